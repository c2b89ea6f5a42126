"""Stored weights give the probabilities of the record again: by format, precision, and settings that a search kept."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from training import one_run
from training.conftest import CLASSES, specification, write

from workflow.commands import rescore
from workflow.experiments.record import Record
from workflow.experiments.run import Run
from workflow.storage import seal
from workflow.storage.errors import InputError
from workflow.storage.seal import DamagedError
from workflow.training import data as clips
from workflow.training import environment, scoring

TENSOR = {"hidden_size": 8, "input_modes": [12, 20], "output_modes": [2, 4]}
FORMATS = {
    "dense": {"hidden_size": 8},
    "tensor_train": {**TENSOR, "ranks": 2},
    "fully_decomposed": {**TENSOR, "input_modes": [13, 20], "ranks": 3},
    "thumbnail_lstm": {"hidden_size": 4},
}


def again(plain, data, folder):
    """Train a run; return its record, the probabilities that it has, and those of its stored weights."""
    assert one_run.start(plain, data, folder) == 0
    record, lines = Record.parse(one_run.read(folder)[0]), one_run.read(folder)[2]
    recorded = [[float(line[f"probability_{k}"]) for k in range(len(CLASSES))] for line in lines]
    return record, recorded, score(plain, data, folder)


def stored(plain, data, folder):
    """The run, its record and folder, and its fold."""
    run, record = Run.parse(plain), Record.parse(one_run.read(folder)[0])
    fold = clips.load(data, run.front_end).fold(run)
    return run, record, folder / "run", replace(fold, clips=scoring.shared(fold.clips, run))


def score(plain, data, folder):
    return scoring.probabilities(*stored(plain, data, folder))


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_every_format_scores_as_it_was_recorded(data, tmp_path, format_, precision):
    _, recorded, found = again(specification(format_, FORMATS[format_], precision=precision), data, tmp_path)
    np.testing.assert_allclose(found, recorded, atol=1e-9, rtol=0)


def test_each_run_is_scored_in_its_own_precision(monkeypatch, capsys):
    """On a GPU; its settings can be made without one."""
    monkeypatch.setattr(environment, "gpu_problem", lambda: None)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    monkeypatch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", False)
    used, precision = [], torch.get_float32_matmul_precision()
    try:
        for one in ("tf32", "float32", "tf32"):
            assert scoring.prepare("auto", one) == (torch.device("cuda"), one)
            used.append(torch.get_float32_matmul_precision())
    finally:
        torch.use_deterministic_algorithms(False)
        torch.set_float32_matmul_precision(precision)
    assert used == ["high", "highest", "high"]
    assert capsys.readouterr().err.count("device auto") <= 1  # none if this process has said it before


@pytest.mark.parametrize("sampling", ["linspace", "all"])
@pytest.mark.parametrize("format_", ["chance", "linear", "nearest_neighbour"])
def test_a_fitted_model_is_restored_from_its_weights(tmp_path, format_, sampling):
    data, plain = write(tmp_path / "data", sampling=sampling), specification(format_, {})
    _, recorded, found = again(plain, data, tmp_path)
    np.testing.assert_allclose(found, recorded, atol=1e-6, rtol=0)
    assert rescore.again(*stored(plain, data, tmp_path))[0] == rescore.EQUAL


def test_weights_of_another_fitted_model_are_one_sentence(data, tmp_path):
    again(specification("chance", {}), data, tmp_path)
    for name, arrays in {
        "linear": {},
        "nearest_neighbour": {"thumbnails": np.zeros((2, 3)), "labels": np.zeros(2)},
    }.items():
        path = tmp_path / "run" / "result.json"
        save_file(arrays, path.with_name("model.safetensors"))
        content = json.loads(path.read_text())
        seal.write(path, {k: v for k, v in content.items() if k != "seal"}, content["files"])
        with pytest.raises(InputError, match=rf"model.safetensors: not the weights of {name} \(.+\)"):
            score(specification(name, {}), data, tmp_path)


def test_clips_of_unequal_lengths(tmp_path):
    data = write(tmp_path / "data", sampling="all")
    _, recorded, found = again(specification(), data, tmp_path)
    np.testing.assert_allclose(found, recorded, atol=1e-9, rtol=0)


def test_the_settings_are_those_that_the_search_kept(tmp_path):
    """The scale of features is part of the model, and no candidate has that of the run itself."""
    data = write(tmp_path / "data")
    y = np.random.default_rng(0).normal(size=(48, 4, 1280)).astype(np.float16)
    np.save(data / "efficientnet_lite2.npy", y)
    about = {"digest": hashlib.sha256(y.tobytes()).hexdigest()}
    seal.write(data / "efficientnet_lite2.json", about)
    plain = specification("dense", {"hidden_size": 8, "input_size": 1280}, search={"feature_scale": [0.01, 0.1]})
    record, recorded, found = again(plain | {"front_end": "efficientnet_lite2"}, data, tmp_path)
    assert len(record.search) == 2
    np.testing.assert_allclose(found, recorded, atol=1e-9, rtol=0)


def test_changed_weights_are_refused(data, tmp_path):
    plain = specification()
    again(plain, data, tmp_path)
    path = tmp_path / "run" / "model.safetensors"
    arrays = load_file(path)
    arrays["classifier.bias"][0] += 1e-6
    save_file(arrays, path)
    with pytest.raises(DamagedError, match=r"model.safetensors is corrupt: its sha256 is .*, not "):
        score(plain, data, tmp_path)
