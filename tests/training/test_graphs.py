"""The bookkeeping around CUDA graphs, on a CPU: a stand-in for the graph reruns the captured step at each replay.

test_gpu.py tests real graphs.
"""

import contextlib

import pytest
import torch
from training.conftest import specification

import baselines
from workflow.experiments.run import Run
from workflow.training.feed import Batch
from workflow.training.model import Classifier
from workflow.training.step import GraphedStep, Step


def make(kind):
    torch.manual_seed(0)
    recurrent = baselines.build("dense", input_size=5, hidden_size=3)
    model = Classifier(recurrent, 3, 4, {"dropout_input": 0.3, "dropout_recurrent": 0.3})
    draw = torch.Generator().manual_seed(1)
    clips = Batch(torch.randn(34, 6, 5, generator=draw), torch.randint(0, 4, (34,), generator=draw), None)
    settings = Run.parse(specification(learning_rate=0.1, gradient_norm=1.0)).training
    step = kind(model, settings, lambda rows: clips.each(lambda whole: whole[rows]))
    step.captured_on = []
    return step


@pytest.fixture
def cuda(monkeypatch):
    """The part of torch.cuda that GraphedStep uses; a capture computes nothing, as on a GPU."""
    steps = []

    class Graph:
        def replay(self):
            self.again()

    @contextlib.contextmanager
    def capture(graph, pool, stream):
        step = steps[-1]
        step.captured_on.append(stream)
        kept = [*step.parameters, *step.optimiser.moments.values()]
        before, random = [tensor.detach().clone() for tensor in kept], torch.get_rng_state()
        yield
        torch.set_rng_state(random)
        with torch.no_grad():
            for tensor, value in zip(kept, before, strict=True):
                tensor.copy_(value)

    original = GraphedStep._capture

    def captured(self, rows, work):
        made = original(self, rows, work)

        def again():
            with torch.inference_mode(made.result.is_inference()):
                made.result.copy_(work(made.rows))

        made.captured.again = again
        return made

    class Stream:
        def __init__(self, *_):
            pass

        def wait_stream(self, _):
            pass

    default = Stream()

    monkeypatch.setattr(GraphedStep, "_capture", captured)
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: None)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", capture)
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "default_stream", lambda _: default)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _: default)
    monkeypatch.setattr(torch.cuda, "stream", lambda _: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "synchronize", lambda *_: None)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda _: torch.get_rng_state())
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, _: torch.set_rng_state(state))
    return steps


def train(step):
    torch.manual_seed(2)
    for rows in torch.arange(34).split((8, 8, 5, 8, 5)):
        step(rows)
    return [p.detach() for p in step.parameters], torch.stack(step.log)


def test_warming_up_and_capturing_leave_no_trace(cuda):
    plain, graphed = make(Step), make(GraphedStep)
    cuda.append(graphed)
    expected, log = train(plain)
    found, entries = train(graphed)
    assert graphed.refused is None
    assert sorted(graphed._graphs) == [("training", 5), ("training", 8)]
    assert torch.equal(log, entries)
    for p, q in zip(expected, found, strict=True):
        assert torch.equal(p, q)


def test_scoring_is_captured_too_and_changes_nothing(cuda):
    plain, graphed = make(Step), make(GraphedStep)
    cuda.append(graphed)
    for rows in (torch.arange(8), torch.arange(20, 28), torch.arange(3)):
        found = graphed.logits(rows)
        assert torch.equal(found, plain.logits(rows))
        assert not found.is_inference()
    assert sorted(graphed._graphs) == [("scoring", 3), ("scoring", 8)]
    assert graphed.model.training
    expected, _ = train(plain)
    for p, q in zip(expected, train(graphed)[0], strict=True):
        assert torch.equal(p, q)


def test_a_run_captures_all_graphs_on_its_own_stream(cuda, monkeypatch):
    own = torch.cuda.Stream()
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _: own)
    graphed = make(GraphedStep)
    cuda.append(graphed)
    train(graphed)
    assert graphed.captured_on == [own, own]


def test_without_a_stream_of_its_own_a_run_does_not_capture_on_the_default_one(cuda):
    graphed = make(GraphedStep)
    cuda.append(graphed)
    train(graphed)
    assert torch.cuda.default_stream(None) not in graphed.captured_on


def test_a_device_that_refuses_to_capture_trains_without_a_graph(cuda, monkeypatch, capsys):
    plain, graphed = make(Step), make(GraphedStep)
    cuda.append(graphed)

    def refuse(_, pool, stream):
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    monkeypatch.setattr(torch.cuda, "graph", refuse)
    expected, _ = train(plain)
    found, _ = train(graphed)
    assert graphed.refused == "operation not permitted when stream is capturing"
    assert "no CUDA graph" in capsys.readouterr().err
    for p, q in zip(expected, found, strict=True):
        assert torch.equal(p, q)
