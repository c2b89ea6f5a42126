"""The script of a Slurm job array; tests/slurm submits one."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from workflow.commands import array

PROFILE = {
    "default-resources": {"slurm_partition": "cpu", "slurm_account": "me", "runtime": 30, "mem_mb": 4000},
    "set-threads": {"train": 2},
    "set-resources": {"train": {"slurm_partition": "gpu", "gres": "gpu:a100:1", "runtime": "60 * attempt"}},
}


@pytest.fixture
def written(tmp_path, monkeypatch):
    """write(n): the commands for n runs, in a folder with a blank in its name."""
    root = tmp_path / "my project"
    root.mkdir()
    monkeypatch.chdir(root)
    Path("profile.yaml").write_text(yaml.safe_dump(PROFILE))

    def write(n):
        folders = [f"ucf11/pixels/lstm/group/fold{i % 5}/seed{i // 5}" for i in range(n)]
        return array.write(
            "config/paper.yaml", Path("results/paper"), folders, Path("profile.yaml"), Path("/somewhere/else")
        )

    return write


def test_the_profile_says_what_a_task_asks_for():
    wanted = {
        "cpus-per-task": 2,
        "partition": "gpu",
        "account": "me",
        "gres": "gpu:a100:1",
        "time": "60",
        "mem": "4000",
    }
    assert array.requested(PROFILE) == wanted


def test_the_profile_that_comes_with_the_project_is_understood(root):
    asked = array.requested(yaml.safe_load((root / "profiles/slurm/config.yaml").read_text()))
    assert asked == {"cpus-per-task": 1, "partition": "gpu", "gres": "gpu:1", "time": "60", "mem": "8000"}


@pytest.mark.parametrize(("n", "ranges"), [(1, ["0-0"]), (1000, ["0-999"]), (2600, ["0-999", "0-999", "0-599"])])
def test_every_run_has_one_task(written, n, ranges):
    commands = written(n)
    starts = [1 + 1000 * k for k in range(len(ranges))]
    assert commands == [
        f"FIRST={first} sbatch --array={tasks} results/paper/array/train.sbatch"
        for first, tasks in zip(starts, ranges, strict=True)
    ]
    assert len(Path("results/paper/array/runs.txt").read_text().splitlines()) == n


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_a_task_asks_for_the_run_of_its_line(written, tmp_path, monkeypatch):
    written(12)
    tool = tmp_path / "my project" / "bin" / "python"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\nfor word; do last=$word; done; echo "$last"\n')
    tool.chmod(0o755)
    script = Path("results/paper/array/train.sbatch")
    script.write_text(script.read_text().replace("/somewhere/else", "$PWD"))
    monkeypatch.setenv("FIRST", "6")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    done = subprocess.run(["bash", script.resolve()], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout == "results/paper/runs/ucf11/pixels/lstm/group/fold3/seed1/result.json\n"
