"""A run that is interrupted at any moment, by any signal, ends with the same bytes as an undisturbed one."""

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from training import one_run
from training.conftest import specification

from workflow.training import checkpoint, record
from workflow.training.step import Step

# dropout draws at every step and the rate changes every epoch, so anything that a checkpoint forgets shows
SETTINGS = {"epochs": 6, "schedule": "cosine", "dropout_input": 0.2, "dropout_recurrent": 0.2}
MEASURED = {"seconds", "train_seconds", "step_ms", "peak_memory_mb", "interruptions", "files", "seal"}  # or of times


def outcome(folder: Path) -> dict:
    """Everything that must be equal."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    result = json.loads((folder / "result.json").read_text())
    return {
        "metrics": [{name: value for name, value in line.items() if name not in MEASURED} for line in lines],
        "result": {name: value for name, value in result.items() if name not in MEASURED},
        "predictions": (folder / "predictions.csv").read_bytes(),
        "weights": (folder / "model.safetensors").read_bytes(),
    }


def start(plain: dict, data: Path, folder: Path, seconds: str = "0") -> int:
    """Train with a checkpoint after each epoch."""
    return one_run.start(plain, data, folder, seconds)


@pytest.mark.slow
def test_killed_at_25_random_moments_a_run_ends_with_the_same_bytes(data, tmp_path, root):
    seed = str(random.SystemRandom().randrange(10**6))
    plain = json.dumps(specification(**SETTINGS))
    command = [sys.executable, str(root / "tests/training/kills.py"), str(data), plain, str(tmp_path), "25", seed]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, f"seed {seed}: {made.stderr}"
    report = json.loads(made.stdout)
    assert report["kills"] == 25
    undisturbed, *killed = [outcome(Path(folder)) for folder in report["folders"]]
    assert len(undisturbed["metrics"]) == SETTINGS["epochs"]
    for result in killed:
        assert result == undisturbed, f"seed {seed}"


def interrupt(monkeypatch, at, *numbers):
    """Raise the signals `numbers` after step `at`, counted over all runs. Return the list that every step joins."""
    steps, original = [], Step.__call__

    def interrupted(self, batch):
        original(self, batch)
        steps.append(self)
        if len(steps) == at:
            for number in numbers:
                signal.raise_signal(number)

    monkeypatch.setattr(Step, "__call__", interrupted)
    return steps


TERM, USR1, INT = signal.SIGTERM, signal.SIGUSR1, signal.SIGINT


@pytest.mark.parametrize("numbers", [(TERM,), (USR1,), (INT,), (TERM, TERM), (INT, TERM), (TERM, INT)])
@pytest.mark.parametrize("at", [1, 4, 6])
def test_a_signal_saves_in_the_middle_of_an_epoch(data, tmp_path, monkeypatch, at, numbers, capsys):
    tensors = {"hidden_size": 8, "input_modes": [13, 20], "output_modes": [2, 4], "ranks": 3}
    plain = specification("fully_decomposed", tensors, **SETTINGS | {"epochs": 3})
    assert start(plain, data, tmp_path / "undisturbed") == 0
    with monkeypatch.context() as patch:
        steps = interrupt(patch, at, *numbers)
        assert start(plain, data, tmp_path / "stopped", seconds="1e9") == 128 + numbers[0]
    assert len(steps) == at
    assert "the next start resumes from" in capsys.readouterr().err
    assert not (tmp_path / "stopped/run/result.json").exists()
    assert start(plain, data, tmp_path / "stopped") == 0
    assert outcome(tmp_path / "stopped/run") == outcome(tmp_path / "undisturbed/run")
    assert json.loads((tmp_path / "stopped/run/result.json").read_text())["interruptions"] == 1
    assert not (tmp_path / "stopped/checkpoint").exists()


def test_interrupted_twice_from_the_keyboard_a_run_leaves_at_once(data, tmp_path, monkeypatch):
    def interrupted(self, batch):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Step, "__call__", interrupted)
    assert start(specification(**SETTINGS), data, tmp_path) == 128 + signal.SIGINT
    assert not (tmp_path / "checkpoint").exists()


def test_a_signal_while_the_record_is_written_does_not_stop_it(data, tmp_path, monkeypatch):
    original = record.write

    def interrupted(*arguments):
        signal.raise_signal(signal.SIGTERM)
        original(*arguments)

    monkeypatch.setattr(record, "write", interrupted)
    assert start(specification(**SETTINGS), data, tmp_path) == 0
    assert len(outcome(tmp_path / "run")["metrics"]) == SETTINGS["epochs"]


def test_before_the_first_step_a_signal_ends_a_run_at_once(data, tmp_path, monkeypatch):
    monkeypatch.setattr("workflow.training.model.build", lambda *_: signal.raise_signal(signal.SIGTERM))
    assert start(specification(**SETTINGS), data, tmp_path) == 128 + signal.SIGTERM


def test_a_checkpoint_that_cannot_be_written_does_not_stop_the_run(data, tmp_path, capsys):
    (tmp_path / "checkpoint").write_text("a file where the folder should be")
    assert start(specification(**SETTINGS), data, tmp_path) == 0
    assert "could not write a checkpoint" in capsys.readouterr().err


def test_a_signal_without_a_checkpoint_promises_none(data, tmp_path, monkeypatch, capsys):
    (tmp_path / "checkpoint").write_text("a file where the folder should be")
    interrupt(monkeypatch, 4, TERM)
    assert start(specification(**SETTINGS), data, tmp_path, seconds="1e9") == 128 + TERM
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2].startswith(f"could not write a checkpoint to {tmp_path}/checkpoint: ")
    assert lines[-1] == "interrupted; the next start repeats what no checkpoint holds"


class Stop(Exception):
    """Ends a run without saving, as a kill does."""


def stopped_after(epochs: int, plain: dict, data: Path, folder: Path, monkeypatch) -> None:
    """Run until `epochs` epochs are done, a checkpoint after each."""
    from workflow.training.loop import Loop

    original = Loop._save_if_due

    def save(self):
        original(self)
        if self.state.epoch == epochs:
            raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(Loop, "_save_if_due", save)
        with pytest.raises(Stop):
            start(plain, data, folder)


def newest(folder: Path) -> Path:
    return max((folder / "checkpoint").glob("0*.safetensors"))


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before_it(data, tmp_path, monkeypatch, damage, capsys):
    plain = specification(**SETTINGS)
    assert start(plain, data, tmp_path / "undisturbed") == 0
    stopped_after(3, plain, data, tmp_path / "stopped", monkeypatch)
    path = newest(tmp_path / "stopped")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes({"cut": content[:-100], "flipped": content, "empty": b""}[damage])
    capsys.readouterr()
    assert start(plain, data, tmp_path / "stopped") == 0
    said = capsys.readouterr().err
    assert "is corrupt (checksum mismatch); trying the previous one, if any" in said
    assert "resuming after epoch 2" in said
    assert outcome(tmp_path / "stopped/run") == outcome(tmp_path / "undisturbed/run")


def test_with_every_checkpoint_damaged_a_run_starts_afresh(data, tmp_path, monkeypatch, capsys):
    plain = specification(**SETTINGS)
    assert start(plain, data, tmp_path / "undisturbed") == 0
    stopped_after(3, plain, data, tmp_path / "stopped", monkeypatch)
    for path in (tmp_path / "stopped/checkpoint").iterdir():
        path.write_bytes(b"damaged")
    capsys.readouterr()
    assert start(plain, data, tmp_path / "stopped") == 0
    assert capsys.readouterr().err.count("is corrupt") == 2
    assert outcome(tmp_path / "stopped/run") == outcome(tmp_path / "undisturbed/run")


def test_a_folder_without_a_usable_checkpoint_is_deleted_unless_one_cannot_be_read(tmp_path, capsys):
    folder = tmp_path / "checkpoint"
    unreadable = folder / f"00000002.{64 * '0'}.safetensors"
    unreadable.mkdir(parents=True)
    (folder / f"00000001.{64 * '0'}.safetensors").write_bytes(b"other bytes")
    (folder / "0 copy.safetensors").touch()
    with pytest.raises(IsADirectoryError, match="00000002"):
        checkpoint.load(folder, {}, step=None)
    assert len(list(folder.iterdir())) == 3
    said = capsys.readouterr().err
    assert f"00000002.{64 * '0'}.safetensors cannot be read (Is a directory)" in said
    assert f"00000001.{64 * '0'}.safetensors is corrupt (checksum mismatch)" in said
    unreadable.rmdir()
    assert checkpoint.load(folder, {}, step=None) is None
    assert not folder.exists()


def test_a_half_written_checkpoint_is_ignored(data, tmp_path, monkeypatch, capsys):
    plain = specification(**SETTINGS)
    stopped_after(2, plain, data, tmp_path, monkeypatch)
    (tmp_path / "checkpoint/.00000003.part").write_bytes(newest(tmp_path).read_bytes()[:200])
    capsys.readouterr()
    assert start(plain, data, tmp_path) == 0
    assert "resuming after epoch 2" in capsys.readouterr().err


def test_a_run_resumes_with_its_original_number_of_threads(data, tmp_path, monkeypatch, capsys):
    begun = torch.get_num_threads()
    stopped_after(2, specification(**SETTINGS), data, tmp_path, monkeypatch)
    used, original = set(), Step.__call__
    monkeypatch.setattr(
        Step, "__call__", lambda self, batch: (used.add(torch.get_num_threads()), original(self, batch))
    )
    try:
        torch.set_num_threads(begun + 1)
        assert start(specification(**SETTINGS), data, tmp_path) == 0
        assert torch.get_num_threads() == begun + 1, "the next run of the process begins with the number set here"
    finally:
        torch.set_num_threads(begun)
    assert used == {begun}
    assert json.loads((tmp_path / "run/environment.json").read_text())["threads"] == begun
    assert f"resuming with {begun} threads, as at the start of the run" in capsys.readouterr().err


def test_two_generations_are_kept_with_the_rights_of_other_files(data, tmp_path, monkeypatch):
    stopped_after(5, specification(**SETTINGS), data, tmp_path, monkeypatch)
    paths = sorted((tmp_path / "checkpoint").iterdir())
    assert [path.name.split(".")[0] for path in paths] == ["00000004", "00000005"]
    assert {path.stat().st_mode for path in paths} == {(tmp_path / "run/metrics.jsonl").stat().st_mode}


def test_a_checkpoint_takes_little_memory(data, tmp_path):
    """The model has 42 MB and its checkpoint 167 MB; a copy of that as bytes would show."""
    words = ["--specification", json.dumps(specification("dense", {"hidden_size": 1500}, epochs=1)), "--data", data]
    words += ["--output", tmp_path / "run", "--checkpoint", tmp_path / "checkpoint", "--checkpoint-seconds"]
    program = [sys.executable, one_run.__file__, *words]
    peaks = []
    for seconds in ("1e9", "0"):
        subprocess.run([*program, seconds], check=True, capture_output=True)
        peaks.append(json.loads((tmp_path / "run/result.json").read_text())["peak_memory_mb"])
    assert peaks[1] < peaks[0] + 84


def test_lines_after_the_checkpoint_leave_the_metrics(data, tmp_path, monkeypatch):
    plain = specification(**SETTINGS)
    stopped_after(2, plain, data, tmp_path, monkeypatch)
    with (tmp_path / "run/metrics.jsonl").open("a") as stream:
        stream.write('{"epoch": 3, "train_loss"')
    assert start(plain, data, tmp_path) == 0
    lines = (tmp_path / "run/metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3, 4, 5, 6]


def test_another_specification_discards_the_checkpoint_and_names_the_change(data, tmp_path, monkeypatch, capsys):
    stopped_after(2, specification(**SETTINGS), data, tmp_path, monkeypatch)
    changed = specification(**SETTINGS | {"learning_rate": 0.02})
    capsys.readouterr()
    assert start(changed, data, tmp_path) == 0
    said = capsys.readouterr().err
    assert "belongs to another run (specification changed); starting afresh" in said
    assert start(changed, data, tmp_path / "afresh") == 0
    assert outcome(tmp_path / "run") == outcome(tmp_path / "afresh/run")


@pytest.mark.parametrize("device", ["cuda", None])
def test_a_checkpoint_of_another_or_an_unknown_device_is_not_used(data, tmp_path, monkeypatch, capsys, device):
    plain, written = specification(**SETTINGS), checkpoint.save
    assert start(plain, data, tmp_path / "afresh") == 0

    def save(folder, fingerprint, *rest):
        known = {name: value for name, value in (fingerprint | {"device": device}).items() if value}
        written(folder, known, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", save)
        stopped_after(2, plain, data, tmp_path / "moved", monkeypatch)
    capsys.readouterr()
    assert start(plain, data, tmp_path / "moved") == 0
    assert "belongs to another run (device changed); starting afresh" in capsys.readouterr().err
    assert outcome(tmp_path / "moved/run") == outcome(tmp_path / "afresh/run")


def test_no_file_is_read_that_could_execute_code(root):
    for path in (root / "workflow/training").rglob("*.py"):
        text = path.read_text()
        for word in ("torch.load(", "pickle", "torch.save("):
            assert word not in text, path
