"""Runs that fail, and invalid input: the record, the message, and when nothing is written."""

import json
from collections import Counter

import pytest
import torch
from safetensors.numpy import load_file
from training.conftest import specification, write
from training.one_run import FILES, read, start

from workflow.experiments.record import Record


@pytest.mark.parametrize(
    ("part_of", "sentence"),
    [
        (lambda label, g: "test" if g == 0 or label == 2 else "validation" if g == 1 else "train", "class 'right'"),
        (lambda label, g: "validation" if g == 0 else "train", "the test part of protocol group"),
    ],
)
def test_a_split_that_cannot_be_learned_from_is_recorded_as_failed(tmp_path, capsys, part_of, sentence):
    folder = write(tmp_path / "data", part_of=part_of)
    assert start(specification(), folder, tmp_path) == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    Record.parse(result)
    assert result["status"] == "failed"
    assert sentence in result["failure"]
    assert result["test_accuracy"] is None
    assert f"FAILED demo/pixels/thumbnail_lstm/group/fold0/seed0: {result['failure']}" in capsys.readouterr().err
    assert {path.name for path in (tmp_path / "run").iterdir()} >= FILES - {"metrics.jsonl"}  # what Snakemake expects


@pytest.mark.parametrize("rate", [1e30, 3e38])
def test_a_loss_that_explodes_is_recorded_as_failed(data, tmp_path, capsys, rate):
    plain = specification("dense", epochs=40, learning_rate=rate, gradient_norm=None)
    assert start(plain, data, tmp_path) == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    Record.parse(result)
    assert result["status"] == "failed"
    assert "not finite" in result["failure"]
    assert result["device"].startswith("CPU")
    assert not (tmp_path / "checkpoint").exists()
    assert capsys.readouterr().err.count("FAILED") == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_was_asked_for_and_is_not_there_fails_the_run(data, tmp_path, capsys):
    assert start(specification("dense", device="cuda"), data, tmp_path) == 0
    assert "no GPU can be used" in json.loads((tmp_path / "run/result.json").read_text())["failure"]
    assert "FAILED" in capsys.readouterr().err


@pytest.mark.parametrize("before", [{}, {"search": {"learning_rate": [0.001, 0.01]}}])
def test_a_record_has_no_metrics_of_an_earlier_one(data, tmp_path, monkeypatch, before):
    from workflow.training import model

    def full(*_):
        raise MemoryError

    assert start(specification("dense", **before), data, tmp_path) == 0
    with monkeypatch.context() as patch:
        patch.setattr(model, "build", full)
        assert start(specification("dense"), data, tmp_path) == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert (result["status"], result["epochs"]) == ("failed", 0)
    assert set(result["files"]) == {path.name for path in (tmp_path / "run").iterdir()} - {"result.json"}
    assert "metrics.jsonl" not in result["files"]


def test_a_baseline_that_cannot_be_fitted_is_recorded_as_failed(tmp_path):
    seen = Counter()

    def part_of(label, group):
        seen[label, group] += 1
        two_of_each = group == 1 and seen[label, group] <= 2  # too few for a cross-validation with three folds
        return "test" if group == 0 else "train" if two_of_each else "unused"

    assert start(specification("linear", {}), write(tmp_path / "data", part_of=part_of), tmp_path) == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["status"] == "failed"
    assert result["failure"].startswith("it cannot be fitted: n_splits=3 cannot be greater than")


class Full:
    """A function on a machine with room for `room` clips."""

    def __init__(self, original, room):
        self.original, self.room = original, room

    def __call__(self, recurrent, x, *arguments, **options):
        if len(x) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.original(recurrent, x, *arguments, **options)


def test_a_run_continues_with_smaller_batches_when_memory_is_short(data, tmp_path, monkeypatch, capsys):
    from workflow.training.model import Classifier

    assert start(specification("dense"), data, tmp_path / "roomy") == 0
    full = Full(Classifier.forward, room=3)
    monkeypatch.setattr(Classifier, "forward", lambda *given, **options: full(*given, **options))
    assert start(specification("dense"), data, tmp_path / "narrow") == 0
    said = capsys.readouterr().err
    assert "training 2 clips at a time from now on" in said
    assert "scoring 2 clips at a time from now on" in said
    (roomy, expected, _), (narrow, found, _) = read(tmp_path / "roomy"), read(tmp_path / "narrow")
    assert (roomy["clips_at_a_time"], narrow["clips_at_a_time"]) == (8, 2)
    for a, b in zip(expected, found, strict=True):
        assert b["train_loss"] == pytest.approx(a["train_loss"], rel=1e-4)


def test_a_model_that_does_not_fit_is_recorded_as_failed(data, tmp_path, monkeypatch):
    from workflow.training import model

    def build(*_):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 10 bytes")

    monkeypatch.setattr(model, "build", build)
    assert start(specification("dense"), data, tmp_path) == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    Record.parse(result)
    assert "out of memory: the model and its clips do not fit" in result["failure"]


@pytest.mark.parametrize("settings", [{}, {"search": {"learning_rate": [0.001, 0.01]}}])
def test_a_failed_record_has_no_predictions_and_no_weights(data, tmp_path, monkeypatch, settings):
    from workflow.training import scores

    def full(*_):
        raise MemoryError

    monkeypatch.setattr(scores, "summary", full)  # after a candidate has set them
    assert start(specification("dense", **settings), data, tmp_path) == 0
    assert json.loads((tmp_path / "run/result.json").read_text())["status"] == "failed"
    assert len((tmp_path / "run/predictions.csv").read_text().splitlines()) == 1  # the header
    assert load_file(tmp_path / "run/model.safetensors") == {}


def wrong(key, value, where=None):
    plain = specification()
    (plain if where is None else plain[where])[key] = value
    return plain


@pytest.mark.parametrize(
    ("plain", "sentence"),
    [
        (wrong("learning_rate", -1, "training"), "training.learning_rate: -1 should be greater than 0"),
        (wrong("epoch", 5, "training"), "training: unknown key 'epoch'; did you mean 'epochs'?"),
        (wrong("fold", "0"), "fold: '0' should be a valid integer"),
        (wrong("fold", 7), "no fold 7 of protocol 'group'"),
        (wrong("colour", 1), "unknown key 'colour'; known: dataset"),
        (wrong("hidden_size", 0, "recurrent"), "hidden_size is 0"),
        (wrong("ranks", 3, "recurrent"), "unknown parameter 'ranks' of format 'thumbnail_lstm'"),
        (wrong("input_size", 99, "recurrent"), "recurrent.input_size is 99, but"),
        (wrong("front_end", "inception_v3"), "inception_v3.json: no such file"),
    ],
)
def test_invalid_input_prints_one_sentence_and_writes_nothing(data, tmp_path, capsys, plain, sentence):
    assert start(plain, data, tmp_path) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert sentence in said
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_write_permission_is_named(data, tmp_path, capsys):
    (tmp_path / "run").write_text("a file where the folder should be")
    assert start(specification("dense"), data, tmp_path) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert str(tmp_path / "run") in said


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("frames.npy", lambda content: content[:-1] + bytes([content[-1] ^ 1]), "frames.npy is corrupt"),
        ("frames.npy", lambda content: content[:-100], "frames.npy cannot be read"),
        ("frames.json", lambda content: content[:-5], "frames.json is corrupt: not JSON"),
        ("clips.csv", lambda content: content.replace(b",left,", b",lefu,"), "class 'lefu'"),
        ("clips.csv", lambda content: content[: len(content) // 2], "has 48 clips, clips.csv has"),
        (
            "clips.csv",
            lambda content: content.replace(b",ok", b",no", 1),
            "expected a clip of clips.csv with status ok",
        ),
        ("splits.csv", lambda content: content.replace(b",train", b",trajn", 1), "differs from the digest"),
        ("splits.csv", lambda content: content.replace(b",train", b",test", 1), "differs from the digest"),
        ("splits.csv", lambda content: content[: len(content) // 2], "differs from the digest"),
        ("splits.csv", lambda content: content[:100] + b"\xff" + content[100:], "splits.csv: not UTF-8 text"),
        ("frames.json", lambda content: content.replace(b"digest", b"dihest"), "frames.json is corrupt (checksum"),
        ("frames.npy", lambda content: content.replace(b"descr", b"dezcr"), "frames.npy cannot be read"),
    ],
)
def test_damaged_data_are_never_trained_on(tmp_path, capsys, name, change, sentence):
    folder = write(tmp_path / "data")
    path = folder / name
    path.write_bytes(change(path.read_bytes()))
    assert start(specification(), folder, tmp_path) == 1
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_missing_folder_is_named(tmp_path, capsys):
    assert start(specification(), tmp_path / "nowhere", tmp_path) == 1
    assert "nowhere/frames.json: no such file" in capsys.readouterr().err
