"""Damaged data and records are named before anything is computed with them."""

import hashlib
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from workflow.commands import __main__ as commands
from workflow.commands import verify
from workflow.experiments.configuration_file import load_own, resolved
from workflow.storage import seal
from workflow.storage.errors import InputError


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Frames of a data set and the record of a run, sealed as the pipeline does it; the working folder is theirs."""
    monkeypatch.chdir(tmp_path)
    data, run = tmp_path / "results/tiny/data/demo", tmp_path / "results/tiny/runs/demo/fold0"
    data.mkdir(parents=True)
    run.mkdir(parents=True)
    frames = np.arange(24, dtype="uint8").reshape(2, 3, 4)
    np.save(data / "frames.npy", frames)
    (data / "clips.csv").write_text("clip\na\nb\n")
    digest = hashlib.sha256(frames.tobytes()).hexdigest()
    write(data / "frames.json", {"digest": digest}, "clips.csv")
    (run / "predictions.csv").write_text("clip,label\na,0\n")
    (run / "model.safetensors").write_bytes(b"weights")
    write(run / "result.json", {"status": "ok"}, "predictions.csv", "model.safetensors")
    config = tmp_path / "tiny.yaml"
    config.write_text(
        "name: tiny\ndatasets: {demo: {}}\nmodels: {lstm: {format: dense, hidden_size: 8}}\n", encoding="utf-8"
    )
    return data, run


def write(path, content, *names):
    path.write_text(json.dumps(seal.sealed(content, {name: seal.digest(path.with_name(name)) for name in names})))


def flip(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def at_start(capsys):
    """What a start says: the sentences, one per line."""
    try:
        verify.check(load_own("tiny.yaml"))
    except InputError as error:
        return str(error)
    return ""


def verified(capsys):
    return commands.main(["tiny.yaml", "verify"]), capsys.readouterr()


def test_intact_files_pass(folders, capsys):
    assert at_start(capsys) == ""
    code, out = verified(capsys)
    assert (code, out.err) == (0, "")
    assert out.out == "Verified 2 files and everything that they describe: no changes.\n"


def test_small_files_of_the_data_are_checked_before_every_start(folders, capsys):
    flip(folders[0] / "clips.csv")
    assert "clips.csv is corrupt" in at_start(capsys)


def test_a_damaged_record_does_not_stop_a_start(folders, capsys):
    """It is made again."""
    flip(folders[1] / "predictions.csv")
    assert at_start(capsys) == ""
    code, out = verified(capsys)
    assert code == 1
    assert "predictions.csv is corrupt" in out.err


@pytest.mark.parametrize("name", ["frames.npy", "model.safetensors"])
def test_large_files_are_checked_on_request(folders, capsys, name):
    flip(next(folder / name for folder in folders if (folder / name).exists()))
    assert at_start(capsys) == ""
    code, out = verified(capsys)
    assert code == 1
    assert f"{name} is corrupt" in out.err
    assert "and rerun; it will be rebuilt" in out.err


def test_a_header_of_frames_that_cannot_be_read_is_reported(folders, capsys):
    array = folders[0] / "frames.npy"
    array.write_bytes(b"\0" + array.read_bytes()[1:])
    code, out = verified(capsys)
    assert code == 1
    assert "frames.npy cannot be read" in out.err


def test_weights_that_were_deleted_to_save_space_are_no_damage(folders, capsys):
    (folders[1] / "model.safetensors").unlink()
    assert verified(capsys)[0] == 0


@pytest.mark.parametrize("word", ["missing", "corrupt"])
def test_an_experiment_vouches_for_its_records(folders, capsys, word):
    _, run = folders
    record = run / "result.json"
    seal.write(run.parent / "experiment.json", {}, ["fold0/result.json"])
    record.unlink() if word == "missing" else record.write_text('{"status": "ok", "test_accuracy": 1.0}')
    code, out = verified(capsys)
    assert code == 1
    assert out.err.startswith(f"reproduce: {record.relative_to(Path.cwd())} is {word}")


def test_a_configuration_that_does_not_load_is_reported(folders, capsys):
    folders[0].parents[3].joinpath("tiny.yaml").write_text("name: [")
    code, out = verified(capsys)
    assert code == 1
    assert out.err.startswith("reproduce: tiny.yaml: not valid YAML: line 1: ")
    assert out.err.count("\n") == 1


def test_files_from_the_future_are_named_and_left_alone(folders, capsys):
    """As after a clock was set back: Snakemake would take everything that is made now for outdated."""
    victim, other = folders[0] / "clips.csv", folders[1] / "predictions.csv"
    ahead = time.time() + 7200
    for path, changed in ((victim, ahead), (other, ahead - 3600)):
        os.utime(path, (changed, changed))
    sentence = at_start(capsys)
    assert sentence.startswith("2 files are dated in the future, results/tiny/data/demo/clips.csv by 2.0 hours")
    assert sentence.partition("give all of them one time: ")[2].startswith("find . -newermt now -exec touch -d @")
    assert victim.stat().st_mtime == pytest.approx(ahead)


def test_a_file_server_may_be_a_little_ahead(folders, capsys):
    now = time.time()
    os.utime(folders[0] / "clips.csv", (now, now + 0.5))
    assert verify.from_the_future([folders[0]], now) is None
    assert verify.from_the_future([folders[0] / "nowhere"], now) is None


@pytest.mark.parametrize("damage", ["edit", "cut", "flip"])
def test_a_changed_configuration_of_the_results_is_told_before_anything_starts(folders, capsys, damage):
    path = Path("results/tiny/config.yaml")
    path.write_text(resolved(load_own("tiny.yaml")))
    assert at_start(capsys) == ""
    text = path.read_text()
    path.write_text({"edit": text.replace("seeds:", "seeds: [5] #"), "cut": text[:99], "flip": f"#{text}"}[damage])
    sentence = f"{path} is corrupt or was edited; delete {path} and rerun; it will be rebuilt"
    assert at_start(capsys) == sentence
    code, out = verified(capsys)
    assert (code, out.err) == (1, f"reproduce: {sentence}\n")
