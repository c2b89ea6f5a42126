"""A finished run is not trained again if its pipeline did not see the end."""

import json
import os
import subprocess
import sys

import pytest
from training.conftest import specification
from training.test_resume import SETTINGS, outcome, start

from workflow.storage.lock import exclusive
from workflow.training import finished, loop


@pytest.fixture
def ended(data, tmp_path):
    assert start(specification(**SETTINGS), data, tmp_path) == 0
    before = outcome(tmp_path / "run")
    for path in (tmp_path / "run").iterdir():  # as Snakemake does with outputs that may be incomplete
        path.unlink()
    return before


def test_its_record_is_restored_without_training(ended, data, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "train", None)
    assert start(specification(**SETTINGS), data, tmp_path) == 0
    assert outcome(tmp_path / "run") == ended
    assert {path.name for path in (tmp_path / "run").iterdir()} == {*json_files(tmp_path), "result.json"}


def json_files(folder):
    return json.loads((folder / "run/result.json").read_text())["files"]


@pytest.mark.parametrize("name", ["result.json", "model.safetensors", "metrics.jsonl"])
def test_a_damaged_record_is_not_used(ended, data, tmp_path, name, capsys):
    path = tmp_path / "checkpoint.finished" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert start(specification(**SETTINGS), data, tmp_path) == 0
    assert "restored" not in capsys.readouterr().err
    assert outcome(tmp_path / "run") == ended


def test_a_record_of_another_run_is_not_used(ended, data, tmp_path, capsys):
    other = specification(**SETTINGS | {"learning_rate": 0.02})
    assert start(other, data, tmp_path) == 0
    assert "restored" not in capsys.readouterr().err
    assert outcome(tmp_path / "run") != ended


def test_the_second_copy_takes_no_space_and_can_be_released(data, tmp_path):
    assert start(specification(**SETTINGS), data, tmp_path) == 0
    first, second = tmp_path / "run/model.safetensors", tmp_path / "checkpoint.finished/model.safetensors"
    assert first.samefile(second)
    finished.give_up(tmp_path / "checkpoint")
    assert not second.parent.exists()
    assert first.exists()


def test_a_second_trainer_of_the_same_run_waits_and_takes_the_record_of_the_first(data, tmp_path, root):
    plain = json.dumps(specification(**SETTINGS))
    words = ["--specification", plain, "--data", str(data), "--output", str(tmp_path / "run")]
    command = [sys.executable, "-m", "workflow.training.run", *words, "--checkpoint", str(tmp_path / "checkpoint")]
    with exclusive(tmp_path / "checkpoint"):
        second = subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True)
        said = second.stderr.readline()
        assert f"process {os.getpid()} on" in said
        assert said.startswith("Waiting for ")
        assert not (tmp_path / "run").exists()
    rest = second.communicate(timeout=600)[1]
    assert second.returncode == 0, rest
    assert outcome(tmp_path / "run")["metrics"][-1]["epoch"] == SETTINGS["epochs"]
