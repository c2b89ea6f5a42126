"""One run from its specification to its record: what is written, and when nothing is."""

import csv
import hashlib
import json

import numpy as np
import pytest
import torch
import yaml
from safetensors.numpy import load_file
from training.conftest import CLASSES, specification, write

import workflow.training.run as step
from workflow.training import record, seeds

FILES = {
    "result.json",
    "metrics.jsonl",
    "specification.yaml",
    "environment.json",
    "predictions.csv",
    "model.safetensors",
}
TENSOR = {"hidden_size": 8, "input_modes": [12, 20], "output_modes": [2, 4]}
FORMATS = {
    "dense": {"hidden_size": 8},
    "tensor_train": {**TENSOR, "ranks": 2},
    "fully_decomposed": {**TENSOR, "input_modes": [13, 20], "ranks": 3},
    "thumbnail_lstm": {"hidden_size": 4},
    "chance": {},
    "linear": {},
    "nearest_neighbour": {},
}


def start(plain, data, folder):
    words = ["--specification", json.dumps(plain), "--data", str(data), "--output", str(folder / "run")]
    return step.main([*words, "--checkpoint", str(folder / "checkpoint")])


def read(folder):
    result = json.loads((folder / "run/result.json").read_text())
    lines = [json.loads(line) for line in (folder / "run/metrics.jsonl").read_text().splitlines()]
    with (folder / "run/predictions.csv").open(newline="") as file:
        return result, lines, list(csv.DictReader(file))


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_leaves_a_complete_record(data, tmp_path, format_):
    plain = specification(format_, FORMATS[format_])
    assert start(plain, data, tmp_path) == 0
    assert {path.name for path in (tmp_path / "run").iterdir()} == FILES
    assert not (tmp_path / "checkpoint").exists()
    result, lines, predictions = read(tmp_path)
    record.check(result)
    assert result["status"] == "ok"
    assert result["clips"] == {"train": 24, "validation": 12, "test": 12}
    assert yaml.safe_load((tmp_path / "run/specification.yaml").read_text()) == plain
    assert len(predictions) == 12
    hits = [line["label"] == line["predicted"] for line in predictions]
    assert np.mean(hits) == pytest.approx(result["test_accuracy"])
    for line in predictions:
        chances = [float(line[f"probability_{k}"]) for k in range(len(CLASSES))]
        assert sum(chances) == pytest.approx(1, abs=1e-6)
        assert int(line["predicted"]) == int(np.argmax(chances))
        assert line["clip"].startswith(CLASSES[int(line["label"])])
    assert len(lines) == result["epochs"]
    weights = load_file(tmp_path / "run/model.safetensors")
    if format_ in ("dense", "tensor_train", "fully_decomposed"):
        assert sum(array.size for array in weights.values()) == sum(result["parameters"].values())
    if format_ == "linear":
        assert weights["weight"].size + weights["bias"].size == result["parameters"]["classifier"]


def test_the_two_accuracies_are_read_off_the_curve(data, tmp_path):
    assert start(specification("dense", epochs=12), data, tmp_path) == 0
    result, lines, _ = read(tmp_path)
    chosen = max(lines, key=lambda line: (line["validation_accuracy"], -line["validation_loss"]))
    assert result["best_epoch"] == chosen["epoch"]
    assert result["test_accuracy"] == chosen["test_accuracy"]
    assert result["validation_accuracy"] == chosen["validation_accuracy"]
    assert result["best_epoch_accuracy"] == max(line["test_accuracy"] for line in lines)
    assert lines[result["best_test_epoch"] - 1]["test_accuracy"] == result["best_epoch_accuracy"]
    assert result["train_accuracy"] == lines[-1]["train_accuracy"]
    assert lines[-1]["train_loss"] < lines[0]["train_loss"]


def test_the_same_specification_gives_the_same_bytes(data, tmp_path):
    plain = specification("dense", dropout_input=0.3, dropout_recurrent=0.3)
    for name in ("first", "second"):
        assert start(plain, data, tmp_path / name) == 0
    for name in ("predictions.csv", "model.safetensors"):
        first, second = (tmp_path / which / "run" / name for which in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(("precision", "used"), [("bfloat16", "bfloat16"), ("tf32", "float32")])
def test_the_precision_in_the_record_is_the_one_used(data, tmp_path, precision, used):
    assert start(specification("dense", epochs=12, precision=precision), data, tmp_path) == 0
    result, lines, _ = read(tmp_path)
    assert (result["status"], result["precision"]) == ("ok", used)
    assert lines[-1]["train_loss"] < lines[0]["train_loss"]


def test_no_two_runs_of_a_grid_share_a_seed(data, tmp_path):
    drawn = [
        seed
        for model in ("a", "b")
        for fold in range(3)
        for number in range(3)
        for seed in seeds.all_of(f"demo/pixels/{model}/group/fold{fold}/seed{number}").values()
    ]
    assert len(set(drawn)) == len(drawn) == 54
    assert start(specification(), data, tmp_path) == 0
    environment = json.loads((tmp_path / "run/environment.json").read_text())
    assert environment["seeds"] == seeds.all_of("demo/pixels/thumbnail_lstm/group/fold0/seed0")


def test_early_stopping_waits_for_a_better_validation_accuracy(data, tmp_path):
    assert start(specification(epochs=50, learning_rate=1e-9, patience=3), data, tmp_path) == 0
    result, _, _ = read(tmp_path)
    assert result["epochs"] == 4  # the first is the best so far; three without a better one


def test_variable_lengths(tmp_path):
    folder = write(tmp_path / "data", sampling="all")
    assert start(specification("dense"), folder, tmp_path) == 0
    assert read(tmp_path)[0]["status"] == "ok"


@pytest.mark.parametrize("format_", ["dense", "linear", "nearest_neighbour", "thumbnail_lstm"])
def test_features_instead_of_pixels(data, tmp_path, format_):
    folder = tmp_path / "data"
    write(folder)
    features = np.random.default_rng(0).random((48, 4, 32)).astype(np.float16)
    np.save(folder / "features.npy", features)
    digest = hashlib.sha256(features.tobytes()).hexdigest()
    (folder / "features.json").write_text(json.dumps({"digest": digest, "shape": list(features.shape)}))
    given = {"input_size": 32} | ({"hidden_size": 8} if "linear" not in format_ and "near" not in format_ else {})
    plain = specification(format_, given, {"front_end": "cnn"})
    assert start(plain, folder, tmp_path) == 0
    result = read(tmp_path)[0]
    assert result["status"] == "ok"
    assert result["data_digest"] == digest


def test_features_of_other_frames_are_refused(tmp_path, capsys):
    folder = write(tmp_path / "data")
    (folder / "features.json").write_text(json.dumps({"digest": "a", "frames_digest": "b"}))
    assert start(specification("dense", identity={"front_end": "cnn"}), folder, tmp_path) == 1
    assert "made from other frames" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("part_of", "sentence"),
    [
        (lambda label, g: "test" if g == 0 or label == 2 else "validation" if g == 1 else "train", "class 'right'"),
        (lambda label, g: "test" if g == 0 else "train", "the validation part of protocol group"),
        (lambda label, g: "validation" if g == 0 else "train", "the test part of protocol group"),
    ],
)
def test_a_split_that_cannot_be_learned_from_is_recorded_as_failed(tmp_path, capsys, part_of, sentence):
    folder = write(tmp_path / "data", part_of=part_of)
    assert start(specification(), folder, tmp_path) == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    record.check(result)
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
    record.check(result)
    assert result["status"] == "failed"
    assert "not finite" in result["failure"]
    assert result["device"].startswith("CPU")
    assert not (tmp_path / "checkpoint").exists()
    assert capsys.readouterr().err.count("FAILED") == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_was_asked_for_and_is_not_there_fails_the_run(data, tmp_path, capsys):
    assert start(specification("dense", device="cuda"), data, tmp_path) == 0
    assert "has no usable GPU" in json.loads((tmp_path / "run/result.json").read_text())["failure"]
    assert "FAILED" in capsys.readouterr().err


class Full:
    """Stands for a function in a machine whose memory is full."""

    def __init__(self, original, room):
        self.original, self.room = original, room

    def __call__(self, recurrent, x, *arguments, **options):
        if len(x) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.original(recurrent, x, *arguments, **options)


def test_a_run_goes_on_with_smaller_batches_where_memory_is_short(data, tmp_path, monkeypatch, capsys):
    from workflow.training.model import Classifier

    assert start(specification("dense"), data, tmp_path / "roomy") == 0
    full = Full(Classifier.forward, room=3)
    monkeypatch.setattr(Classifier, "forward", lambda *given, **options: full(*given, **options))
    assert start(specification("dense"), data, tmp_path / "narrow") == 0
    said = capsys.readouterr().err
    assert "2 clips at a time, gradients added up" in said
    assert "clips at a time are scored" in said
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
    record.check(result)
    assert "out of memory before the first step" in result["failure"]


def wrong(key, value, where=None):
    plain = specification()
    (plain if where is None else plain[where])[key] = value
    return plain


@pytest.mark.parametrize(
    ("plain", "sentence"),
    [
        (wrong("learning_rate", -1, "training"), "training.learning_rate: -1 is less than or equal to"),
        (wrong("epoch", 5, "training"), "'epoch' was unexpected"),
        (wrong("fold", "0"), "fold is '0', expected int"),
        (wrong("fold", 7), "no fold 7 of protocol 'group'"),
        (wrong("colour", 1), "key 'colour' is unknown"),
        (wrong("hidden_size", 0, "recurrent"), "hidden_size is 0"),
        (wrong("ranks", 3, "recurrent"), "ranks is no parameter of the format 'thumbnail_lstm'"),
        (wrong("input_size", 99, "recurrent"), "recurrent.input_size is 99, but"),
        (wrong("front_end", "cnn"), "features.json: cannot be read"),
    ],
)
def test_unusable_input_is_told_in_a_sentence_and_nothing_is_written(data, tmp_path, capsys, plain, sentence):
    assert start(plain, data, tmp_path) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert sentence in said
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(data, tmp_path, capsys):
    (tmp_path / "run").write_text("a file where the folder should be")
    assert start(specification("dense"), data, tmp_path) == 1
    assert "error: demo/pixels/dense/group/fold0/seed0: " in capsys.readouterr().err


def test_the_environment_is_recorded(data, tmp_path, root):
    assert start(specification("dense"), data, tmp_path) == 0
    environment = json.loads((tmp_path / "run/environment.json").read_text())
    assert environment["packages"]["torch"] == torch.__version__
    assert environment["threads"] == torch.get_num_threads()
    assert environment["git"]["commit"] == read(tmp_path)[0]["git_commit"]
    assert environment["determinism"]["matmul_precision"] == "highest"
    assert environment["cuda_graph"] is False


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("frames.npy", lambda content: content[:-1] + bytes([content[-1] ^ 1]), "frames.npy is damaged"),
        ("frames.npy", lambda content: content[:-100], "frames.npy: cannot be read"),
        ("frames.json", lambda content: content[:-5], "frames.json is damaged, it is not JSON"),
        ("clips.csv", lambda content: content.replace(b",left,", b",lefu,"), "class 'lefu'"),
        ("clips.csv", lambda content: content[: len(content) // 2], "has 48 clips, clips.csv has"),
        ("splits.csv", lambda content: content.replace(b",train", b",trajn", 1), "in part 'trajn'"),
        ("splits.csv", lambda content: content.replace(b",train", b",test", 1), "it is damaged"),
        ("splits.csv", lambda content: content[: len(content) // 2], "in part None"),
        ("splits.csv", lambda content: content[:100] + b"\xff" + content[100:], "splits.csv: not UTF-8 text"),
        ("frames.json", lambda content: content.replace(b"digest", b"dihest"), "frames.json: key 'digest' is missing"),
        ("frames.npy", lambda content: content.replace(b"descr", b"dezcr"), "frames.npy: cannot be read"),
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
    assert "nowhere/frames.json: cannot be read" in capsys.readouterr().err
    assert step.main(
        ["--specification", str(tmp_path / "no.yaml"), *("--data", "x", "--output", "y"), "--checkpoint", "z"]
    )
    assert "no.yaml: cannot be read" in capsys.readouterr().err
