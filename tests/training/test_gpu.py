"""Training on a GPU; skipped without one."""

import json

import pytest
import torch
from training.conftest import specification
from training.test_resume import SETTINGS, outcome, start
from training.test_side_by_side import SEEDS, left, train

import baselines

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")]
TENSORS = {"hidden_size": 8, "input_modes": [13, 20], "output_modes": [2, 4], "ranks": 3}
ON_GPU = {seed: {"device": "cuda"} for seed in SEEDS}


def plain(**training):
    return specification("fully_decomposed", TENSORS, **SETTINGS | {"device": "cuda"} | training)


def test_the_same_specification_gives_the_same_bytes(data, tmp_path):
    for name in ("first", "second"):
        assert start(plain(), data, tmp_path / name) == 0
    assert outcome(tmp_path / "first/run") == outcome(tmp_path / "second/run")
    assert json.loads((tmp_path / "first/run/environment.json").read_text())["cuda_graph"]


def test_a_graph_computes_what_the_launches_compute(data, tmp_path, monkeypatch):
    from workflow.training import step

    assert start(plain(dropout_input=0, dropout_recurrent=0), data, tmp_path / "graph") == 0
    monkeypatch.setattr(step, "GraphedStep", step.Step)
    assert start(plain(dropout_input=0, dropout_recurrent=0), data, tmp_path / "eager") == 0
    for one, other in zip(*(outcome(tmp_path / kind / "run")["metrics"] for kind in ("graph", "eager")), strict=True):
        assert one == pytest.approx(other, rel=1e-4)


def test_a_stopped_run_ends_with_the_same_bytes(data, tmp_path, monkeypatch):
    from training.test_resume import stopped_after

    assert start(plain(), data, tmp_path / "undisturbed") == 0
    stopped_after(3, plain(), data, tmp_path / "stopped", monkeypatch)
    assert start(plain(), data, tmp_path / "stopped") == 0
    assert outcome(tmp_path / "stopped/run") == outcome(tmp_path / "undisturbed/run")


@pytest.mark.parametrize("at_a_time", [2, 5])
def test_runs_side_by_side_end_with_the_same_bytes(data, tmp_path, at_a_time):
    train(data, tmp_path / "alone", 1, ON_GPU)
    train(data, tmp_path / "together", at_a_time, ON_GPU)
    expected, _ = left(tmp_path / "alone")
    found, counts = left(tmp_path / "together")
    assert found == expected
    assert set(counts.values()) == {at_a_time}


def test_memory_after_the_first_epoch_decides_how_many_runs_take_turns(data, tmp_path):
    train(data, tmp_path, None, ON_GPU)
    counts = left(tmp_path)[1]
    assert max(counts.values()) == len(SEEDS)  # tiny models


def test_sequences_of_several_lengths_are_captured():
    layer = baselines.build("fully_decomposed", input_size=240, **TENSORS).cuda()
    x = torch.randn(3, 5, 240, device="cuda")
    lengths, stream, graph = torch.tensor([5, 1, 3], device="cuda"), torch.cuda.Stream(), torch.cuda.CUDAGraph()
    with torch.no_grad():
        expected = layer(x, lengths=lengths)[0]
        with torch.cuda.graph(graph, stream=stream):
            outputs = layer(x, lengths=lengths)[0]
    graph.replay()
    assert torch.equal(outputs, expected)


@pytest.mark.parametrize("precision", ["tf32", "bfloat16"])
def test_lower_precisions_train(data, tmp_path, precision):
    assert start(plain(precision=precision), data, tmp_path) == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert (result["status"], result["precision"]) == ("ok", precision)
