"""A machine with two GPUs that are not there: two experiments at a time, each with a device of its own."""

import json

from projects import TINY, Project, checkout

EXPERIMENTS = 4
CHECK = "CHECK = \"from workflow.training.environment import gpu_problem; print(gpu_problem() or '')\""
YIELD = "        yield device\n"
# an experiment that holds a slot waits until another does: however fast, the first two are at work at one time
MEET = """\
        (Path({folder!r}) / str(os.getpid())).touch()
        hanging = time.monotonic() + 600
        while len(list(Path({folder!r}).iterdir())) < 2 and time.monotonic() < hanging:
            time.sleep(0.01)
"""


def test_as_many_experiments_as_gpus_at_a_time_and_none_waits(root, tmp_path, monkeypatch):
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
    assert text.count(CHECK) == 1
    usable = text.replace(CHECK, 'CHECK = ""').replace('"nvidia-smi"', '"no-such-program"')
    source.write_text(usable.replace("/proc/driver/nvidia/gpus", str(tmp_path / "gpus")).replace(YIELD, meet + YIELD))
    models = {f"lstm_{number}": {"format": "dense", "hidden_size": 2} for number in range(EXPERIMENTS)}
    fitted = {f"chance_{number}": {"format": "chance"} for number in range(2)}
    project.write_config({**TINY, "models": {**models, **fitted}, "seeds": [0, 1]})
    run = project.snakemake("trained", "--configfile", "config/tiny.yaml", "--cores", "8")
    assert run.returncode == 0, run.stdout
    folders = sorted((project.root / "results" / "tiny" / "runs").rglob("environment.json"))
    used = {str(path): json.loads(path.read_text())["variables"].get("CUDA_VISIBLE_DEVICES") for path in folders}
    assert len(used) == 2 * (EXPERIMENTS + 2)
    assert {device for path, device in used.items() if "lstm" in path} == {"0", "1"}
    assert {device for path, device in used.items() if "chance" in path} == {None}
    logs = "".join(path.read_text() for path in (project.root / "results/tiny/logs/train").rglob("*.log"))
    assert "Waiting" not in logs
    assert run.stdout.count("Execute 6 jobs") == 0, "of the four that train, two run at a time"
