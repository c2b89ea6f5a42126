"""`verify`: damaged data and records are named before anything is computed with them."""

import hashlib
import json

import numpy as np
import pytest

from workflow.commands import verify
from workflow.storage import seal


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


def said(capsys, *options):
    code = verify.main(["--config", "tiny.yaml", *options])
    return code, capsys.readouterr()


@pytest.mark.parametrize("options", [(), ("--all",)])
def test_what_is_whole_passes(folders, capsys, options):
    code, out = said(capsys, *options)
    assert (code, out.err) == (0, "")
    assert ("2 descriptions and what they describe" in out.out) == bool(options)


@pytest.mark.parametrize("name", ["clips.csv", "predictions.csv"])
def test_small_files_are_looked_at_before_every_start(folders, capsys, name):
    victim = next(folder / name for folder in folders if (folder / name).exists())
    flip(victim)
    code, out = said(capsys)
    assert code == 1
    assert f"{name} is damaged" in out.err


@pytest.mark.parametrize("name", ["frames.npy", "model.safetensors"])
def test_large_files_are_looked_at_where_it_is_asked_for(folders, capsys, name):
    victim = next(folder / name for folder in folders if (folder / name).exists())
    flip(victim)
    assert said(capsys)[0] == 0
    code, out = said(capsys, "--all")
    assert code == 1
    assert f"{name} is damaged" in out.err
    assert "and start again" in out.err


def test_a_header_of_frames_that_cannot_be_read_is_told(folders, capsys):
    array = folders[0] / "frames.npy"
    array.write_bytes(b"\0" + array.read_bytes()[1:])
    code, out = said(capsys, "--all")
    assert code == 1
    assert "frames.npy cannot be read" in out.err


def test_weights_that_were_removed_for_want_of_space_are_no_damage(folders, capsys):
    (folders[1] / "model.safetensors").unlink()
    assert said(capsys, "--all")[0] == 0


def test_a_configuration_that_does_not_load_is_told(folders, capsys):
    folders[0].parents[3].joinpath("tiny.yaml").write_text("name: [")
    code, out = said(capsys)
    assert code == 1
    assert out.err.startswith("error: tiny.yaml: not valid YAML: line 1: ")
    assert out.err.count("\n") == 1
