"""A machine with two GPUs that are not there: two runs at a time, each with a device of its own, none waiting."""

import json

from projects import TINY, Project, checkout

RUNS = 6
YIELD = "        yield device\n"
# a run that holds a slot waits until another does: however fast they are, the first two are at work at one time
MEET = """\
        (Path({folder!r}) / str(os.getpid())).touch()
        hanging = time.monotonic() + 600
        while len(list(Path({folder!r}).iterdir())) < 2 and time.monotonic() < hanging:
            time.sleep(0.01)
"""


def test_as_many_runs_as_gpus_at_a_time_and_none_waits(root, tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where the locks of the slots lie
    project = Project(checkout(root, tmp_path / "checkout"))
    for number in range(2):
        (tmp_path / "gpus" / str(number)).mkdir(parents=True)
    source = project.root / "workflow" / "training" / "devices.py"
    text = source.read_text()
    assert "/proc/driver/nvidia/gpus" in text
    (tmp_path / "met").mkdir()
    meet = MEET.format(folder=str(tmp_path / "met"))
    assert text.count(YIELD) == 1
    source.write_text(text.replace("/proc/driver/nvidia/gpus", str(tmp_path / "gpus")).replace(YIELD, meet + YIELD))
    models = {"nearest_neighbour": {"format": "nearest_neighbour"}}
    project.write_config({**TINY, "models": models, "seeds": list(range(RUNS))})
    run = project.snakemake("trained", "--configfile", "config/tiny.yaml", "--cores", "8")
    assert run.returncode == 0, run.stdout
    folders = sorted((project.root / "results" / "tiny" / "runs").rglob("environment.json"))
    used = [json.loads(path.read_text())["variables"]["CUDA_VISIBLE_DEVICES"] for path in folders]
    assert len(used) == RUNS
    assert set(used) == {"0", "1"}
    logs = "".join(path.read_text() for path in (project.root / "results/tiny/logs/train").rglob("*.log"))
    assert "Waiting" not in logs
    assert run.stdout.count("Execute 8 jobs") == 0
    assert run.stdout.count("Execute 2 jobs") > 0
