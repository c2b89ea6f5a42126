"""The benchmark's peers compute what they claim, and a small run writes its files."""

import math
from functools import partial

import pandas as pd
import pytest
import torch
from small_models import SMALL, small
from torch._dynamo.testing import CompileCounter

from benchmarks import cases, compare, measure, peers, plans, speed
from benchmarks.cases import Case, ours
from workflow.reporting import columns
from workflow.storage.command_line import call

D, H = 48, 16
PAIRED = {"input_modes": [4, 3, 4], "output_modes": [4, 2, 2], "ranks": 2}


def small_case() -> Case:
    declared = {"lstm": {"format": "dense"}, "tt_lstm": {"format": "tensor_train", **PAIRED}}
    declared = {name: {**entry, "input_size": D, "hidden_size": H} for name, entry in declared.items()}
    models = {("ours", name): (lambda a=arguments: ours(True, **a)) for name, arguments in declared.items()}
    models["torch", "lstm"] = lambda: peers.Last(torch.nn.LSTM(D, H, batch_first=True))
    models["tednet", "tt_lstm"] = lambda: peers.Tednet("tt", [4, 3, 4], [4, 2, 2], [2, 2])
    return Case("48-16", D, H, True, models, declared)


def train(cores: list[torch.Tensor]) -> torch.Tensor:
    """W (N, M) of three cores (r, n, m, r')."""
    return torch.einsum("zabc,cdef,fghz->adgbeh", *cores).reshape(60, 12)


@pytest.mark.parametrize("kind", ["Sweep", "TransposingSweep", "EinsumSweep"])
def test_sweeps_are_tensor_trains(kind):
    torch.manual_seed(0)
    layer = getattr(peers, kind)([4, 3, 5], [2, 3, 2], 3)
    cores = [torch.einsum(f"{layer.order}->rnms", core.detach()) for core in layer.cores]
    x = torch.randn(7, 60)
    torch.testing.assert_close(layer(x), x @ train(cores), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("modes", [3, 4])
def test_the_authors_block_terms_are_block_terms(modes):
    torch.manual_seed(0)
    n, m, r = [4, 3, 5, 2][:modes], [2, 3, 2, 4][:modes], 3
    layer = peers.BlockTerm(n, m, r, 2)
    W = 0
    for factors, core in zip(layer.factors, layer.cores, strict=True):
        letters = "aAx", "bBy", "cCz", "dDw"
        inputs, ranks = ",".join(letters[:modes]), "".join(part[2] for part in letters[:modes])
        out = "".join(part[0] for part in letters[:modes]) + "".join(part[1] for part in letters[:modes])
        W = W + torch.einsum(f"{inputs},{ranks}->{out}", *factors, core).reshape(math.prod(n), math.prod(m))
    x = torch.randn(7, math.prod(n))
    torch.testing.assert_close(layer(x), x @ W, rtol=1e-4, atol=1e-5)


def test_every_model_of_the_cases_is_built_and_agrees_in_shape():
    for case in cases.cases():
        for (implementation, model), build in case.models.items():
            if case.hidden_size > 1000 or model == "lstm":
                continue  # the same code with larger matrices
            ours, theirs = cases.inputs(case, 1, 1, "cpu")
            with torch.no_grad():
                assert build()(ours if implementation == "ours" else theirs).shape == (1, case.hidden_size)


def test_a_small_run_writes_its_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cases, "cases", lambda: iter([small_case()]))
    options = ["--device", "cpu", "--threads", "1", "--repetitions", "2", "--batch", "2", "--no-plans"]
    call(speed.main, ["--output", tmp_path, *options])
    table = pd.read_csv(tmp_path / "speed.csv")
    assert list(table.columns) == compare.COLUMNS
    assert len(table) == 2 * 4
    assert set(table["pass"]) == {"forward", "step"}
    assert (table.median_ms >= table.min_ms).all()
    assert (table.peak_mb > 0).all()


def test_peak_memory_counts_what_is_held_at_one_time():
    def call():
        a = torch.ones(1_000_000)
        b = a + 1
        del a
        return (b + 1).sum()

    assert 8 <= measure.peak_mb(call, "cpu") < 8.1


def test_a_training_step_leaves_no_gradients_that_would_count_as_there_before_the_next():
    layer = torch.nn.Linear(3, 2)
    before = layer.weight.detach().clone()
    measure.training_step(layer, torch.ones(1, 3), torch.optim.SGD(layer.parameters(), 0.1))
    assert not torch.equal(layer.weight, before)
    assert [parameter.grad for parameter in layer.parameters()] == [None, None]


def test_every_one_of_many_layers_is_compiled(monkeypatch):
    class Adds(torch.nn.Module):
        def __init__(self, number):
            super().__init__()
            self.number = number

        def forward(self, x):
            return x + self.number

    counter = CompileCounter()
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=counter))
    layers = range(2 * torch._dynamo.config.recompile_limit)
    for number in layers:
        assert compare.compiled_anew(Adds(number))(torch.zeros(())) == number
    assert counter.frame_count == len(layers)


@pytest.mark.parametrize("kind", ["float32", "uint8"])
@pytest.mark.parametrize("name", SMALL)
def test_inference_needs_less_memory_than_what_a_backward_pass_will_read(name, kind):
    layer = small(name, dtype=torch.float32)
    x = torch.randint(0, 255, (40, 4, 48)).to(getattr(torch, kind))
    training = measure.peak_mb(lambda: layer(x), "cpu")
    with torch.no_grad():
        inference = measure.peak_mb(lambda: layer(x), "cpu")
    assert inference < training


def test_plans_are_compared(monkeypatch):
    declared = {"format": "tensor_train", "input_size": D, "hidden_size": H, **PAIRED}
    monkeypatch.setattr(plans, "SHAPES", [declared])
    table = pd.DataFrame(plans.compare("cpu", 2))
    assert list(table.columns) == list(columns.FILES["plans.csv"]["columns"])
    assert list(zip(table.input, table.rows, strict=True)) == [(x, n) for x in ("float32", "uint8") for n in plans.ROWS]
    assert (table.ratio >= 1).all()
