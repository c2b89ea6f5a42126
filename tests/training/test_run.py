"""One run from its specification to its record."""

import hashlib
import json

import numpy as np
import pytest
import torch
import yaml
from safetensors.numpy import load_file
from training.conftest import CLASSES, specification, write
from training.one_run import FILES, read, start

from workflow.experiments.record import Record
from workflow.experiments.run import Run
from workflow.storage import seal

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


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_leaves_a_complete_record(data, tmp_path, format_):
    plain = specification(format_, FORMATS[format_])
    assert start(plain, data, tmp_path) == 0
    assert {path.name for path in (tmp_path / "run").iterdir()} == FILES
    assert not (tmp_path / "checkpoint").exists()
    result, lines, predictions = read(tmp_path)
    Record.parse(result)
    assert result["status"] == "ok"
    assert result["clips"] == {"train": 24, "validation": 12, "test": 12}
    assert yaml.safe_load((tmp_path / "run/specification.yaml").read_text()) == Run.parse(plain).plain
    assert len(predictions) == 12
    hits = [line["label"] == line["predicted"] for line in predictions]
    assert np.mean(hits) == pytest.approx(result["test_accuracy"])
    for line in predictions:
        probabilities = [float(line[f"probability_{k}"]) for k in range(len(CLASSES))]
        assert sum(probabilities) == pytest.approx(1, abs=1e-6)
        assert int(line["predicted"]) == int(np.argmax(probabilities))
        assert line["clip"].startswith(CLASSES[int(line["label"])])
    assert len(lines) == result["epochs"]
    weights = load_file(tmp_path / "run/model.safetensors")
    if format_ in ("dense", "tensor_train", "fully_decomposed"):
        assert sum(array.size for array in weights.values()) == sum(result["parameters"].values())
    if format_ == "linear":
        assert weights["weight"].size + weights["bias"].size == result["parameters"]["classifier"]


def test_the_accuracies_are_read_off_the_curve(data, tmp_path):
    assert start(specification("dense", epochs=12), data, tmp_path) == 0
    result, lines, _ = read(tmp_path)
    chosen = max(lines, key=lambda line: (line["validation_accuracy"], -line["validation_loss"]))
    assert result["best_epoch"] == chosen["epoch"]
    assert result["test_accuracy"] == chosen["test_accuracy"]
    assert result["validation_accuracy"] == chosen["validation_accuracy"]
    assert result["best_epoch_accuracy"] == max(line["test_accuracy"] for line in lines)
    assert result["final_epoch_accuracy"] == lines[-1]["test_accuracy"]
    assert lines[result["best_test_epoch"] - 1]["test_accuracy"] == result["best_epoch_accuracy"]
    assert result["train_accuracy"] == lines[-1]["train_accuracy"]
    assert lines[-1]["train_loss"] < lines[0]["train_loss"]
    steps = -(-result["clips"]["train"] // Run.parse(specification("dense")).training.batch_size)
    assert all(0 < steps * line["step_ms"] <= 1000 * line["seconds"] for line in lines)
    assert result["step_ms"] == pytest.approx(np.median([line["step_ms"] for line in lines]))
    assert result["train_seconds"] == pytest.approx(sum(line["seconds"] for line in lines))


def test_the_same_specification_gives_the_same_bytes(data, tmp_path):
    plain = specification("dense", dropout_input=0.3, dropout_recurrent=0.3)
    for name in ("first", "second"):
        assert start(plain, data, tmp_path / name) == 0
    for name in ("predictions.csv", "model.safetensors"):
        first, second = (tmp_path / which / "run" / name for which in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()


def test_predictions_have_the_siblings_in_training(tmp_path):
    """Group 0 is tested; by one of its clips per class it is trained on, too."""
    folder = write(tmp_path / "data")
    lines = (folder / "splits.csv").read_text().splitlines()
    moved = [line.replace("test", "train") if "_00/2" in line and "down" not in line else line for line in lines]
    (folder / "splits.csv").write_text("\n".join(moved) + "\n")
    pairs = [line.split(",", 2)[2].replace('"', "").rpartition(",") for line in moved[1:]]
    text = "".join(sorted(f"{clip}\t{part}\n" for clip, _, part in pairs))
    digest = hashlib.sha256(text.encode()).hexdigest()
    seal.write(folder / "splits.json", {"digests": {"group/0": digest}})
    assert start(specification("chance", {}), folder, tmp_path) == 0
    _, _, predictions = read(tmp_path)
    siblings = {(CLASSES[int(line["label"])], line["siblings"]) for line in predictions}
    assert siblings == {("down", "0"), ("left", "1"), ("right", "1"), ("up", "1")}


def without_validation(folder):
    return write(folder, part_of=lambda label, group: "train" if group else "test")


@pytest.mark.parametrize("patience", [None, 1])
def test_without_a_validation_part_the_last_epoch_counts(tmp_path, patience):
    folder = without_validation(tmp_path / "data")
    assert start(specification("dense", epochs=12, patience=patience), folder, tmp_path) == 0
    result, lines, predictions = read(tmp_path)
    Record.parse(result)
    assert result["epochs"] == len(lines) == 12  # nothing stops it early
    assert result["test_accuracy"] is result["validation_accuracy"] is result["best_epoch"] is None
    assert result["final_epoch_accuracy"] == lines[-1]["test_accuracy"]
    assert result["best_epoch_accuracy"] == max(line["test_accuracy"] for line in lines)
    hits = np.mean([line["label"] == line["predicted"] for line in predictions])
    assert hits == pytest.approx(result["final_epoch_accuracy"])
    assert {line["validation_loss"] for line in lines} == {line["validation_accuracy"] for line in lines} == {None}


@pytest.mark.parametrize("format_", ["chance", "linear", "nearest_neighbour"])
def test_without_a_validation_part_a_fitted_model_has_its_accuracy(tmp_path, format_):
    folder = without_validation(tmp_path / "data")
    assert start(specification(format_, {}), folder, tmp_path) == 0
    result, _, predictions = read(tmp_path)
    Record.parse(result)
    assert result["test_accuracy"] is result["validation_accuracy"] is None
    hits = np.mean([line["label"] == line["predicted"] for line in predictions])
    assert hits == pytest.approx(result["final_epoch_accuracy"])


@pytest.mark.parametrize(("precision", "used"), [("bfloat16", "bfloat16"), ("tf32", "float32")])
def test_the_precision_in_the_record_is_the_one_used(data, tmp_path, precision, used):
    assert start(specification("dense", epochs=12, precision=precision), data, tmp_path) == 0
    result, lines, _ = read(tmp_path)
    assert (result["status"], result["precision"]) == ("ok", used)
    assert lines[-1]["train_loss"] < lines[0]["train_loss"]


def test_no_two_runs_of_a_grid_share_a_seed(data, tmp_path):
    def run(identity):
        return Run.parse(specification(identity=identity))

    drawn = [
        seed
        for model in ("a", "b")
        for fold in range(3)
        for number in range(3)
        for seed in run({"model": model, "fold": fold, "seed": number}).seeds.values()
    ]
    assert len(set(drawn)) == len(drawn) == 54
    assert start(specification(), data, tmp_path) == 0
    environment = json.loads((tmp_path / "run/environment.json").read_text())
    assert environment["seeds"] == run({}).seeds


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
    np.save(folder / "inception_v3.npy", features)
    digest = hashlib.sha256(features.tobytes()).hexdigest()
    seal.write(folder / "inception_v3.json", {"digest": digest, "shape": list(features.shape)})
    given = {"input_size": 32} | ({"hidden_size": 8} if "linear" not in format_ and "near" not in format_ else {})
    plain = specification(format_, given, {"front_end": "inception_v3"})
    assert start(plain, folder, tmp_path) == 0
    result = read(tmp_path)[0]
    assert result["status"] == "ok"
    assert result["data_digest"] == digest


def test_features_of_other_frames_are_refused(tmp_path, capsys):
    folder = write(tmp_path / "data")
    seal.write(folder / "inception_v3.json", {"digest": "a", "frames_digest": "b"})
    assert start(specification("dense", identity={"front_end": "inception_v3"}), folder, tmp_path) == 1
    assert "made from other frames" in capsys.readouterr().err


def test_the_environment_is_recorded(data, tmp_path, root):
    assert start(specification("dense"), data, tmp_path) == 0
    environment = json.loads((tmp_path / "run/environment.json").read_text())
    assert environment["torch_build"] == torch.__version__
    assert torch.__version__.startswith(environment["packages"]["torch"])
    assert environment["threads"] == torch.get_num_threads()
    record = read(tmp_path)[0]
    assert environment["git"]["commit"] == record["git_commit"]
    assert record["versions"] == {"python": environment["python"], **environment["packages"]}
    assert environment["determinism"]["matmul_precision"] == "highest"
    assert environment["cuda_graph"] is False
    assert environment["gpu_problem"] is None or torch.__version__ in environment["gpu_problem"]


@pytest.mark.parametrize(
    ("reason", "build"),
    [
        (RuntimeError("The NVIDIA driver on your system is too old (found version 11040).\nPlease update"), "too old"),
        (RuntimeError("No CUDA GPUs are available"), "No CUDA GPUs"),
        (AssertionError("Torch not compiled with CUDA enabled"), "not compiled with CUDA"),
        (RuntimeError("CUDA error: no kernel image is available for execution on the device"), "no kernel image"),
    ],
)
def test_a_gpu_that_cannot_be_used_is_named_in_log_and_record(data, tmp_path, monkeypatch, capsys, reason, build):
    ones = torch.ones

    def fail(*size, device=None, **settings):
        if device == "cuda":
            raise reason
        return ones(*size, device=device, **settings)

    monkeypatch.setattr(torch, "ones", fail)
    assert start(specification("dense", device="auto"), data, tmp_path / "auto") == 0
    assert f"computing on the CPU, as no GPU can be used: {str(reason).splitlines()[0]}" in capsys.readouterr().err
    problem = json.loads((tmp_path / "auto/run/environment.json").read_text())["gpu_problem"]
    assert build in problem
    assert torch.__version__ in problem
    assert start(specification("dense", device="cuda"), data, tmp_path / "cuda") == 0
    assert problem in json.loads((tmp_path / "cuda/run/result.json").read_text())["failure"]


def test_a_log_gets_ten_lines(data, tmp_path, capsys):
    assert start(specification("dense", epochs=20), data, tmp_path) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[-1].startswith("demo/pixels/dense/group/fold0/seed0: 20 of 20 epochs, ")
    for name in ("train_loss=", "train_accuracy=", "validation_accuracy=", "test_accuracy="):
        assert name in lines[-1]


def test_accuracies_do_not_depend_on_how_a_device_computes_a_mean(data, tmp_path, monkeypatch):
    """A GPU multiplies a sum by 1 / n: 5 * (1 / 12) is not 5 / 12."""
    monkeypatch.setattr(torch.Tensor, "mean", lambda self: self.sum() * (1 / self.numel()) + 2.0**-53)
    assert start(specification("dense"), data, tmp_path) == 0
    for line in read(tmp_path)[1]:
        assert {line["validation_accuracy"], line["test_accuracy"]} <= {hits / 12 for hits in range(13)}
