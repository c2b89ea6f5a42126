"""Every way to apply a tensor network equals the product with the reconstructed matrix."""

import pytest
import torch
from small_models import SMALL, parts, reference, small

import baselines
from fdht.engine import plans
from fdht.engine.apply import apply, prepare

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}


def relative_error(a: torch.Tensor, b: torch.Tensor) -> float:
    return ((a - b).norm() / b.norm()).item()


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", SMALL)
def test_every_plan_equals_dense(name, dtype, monkeypatch):
    layer = small(name, dtype).W
    x = torch.randn(101, layer.network.input_size, dtype=dtype)
    expected = x @ layer.dense().T
    for plan in plans.plans(layer.network):
        monkeypatch.setattr(layer._planner, "plan", lambda *_, plan=plan: plan)
        assert relative_error(layer(x), expected) < TOLERANCE[dtype], plan
        with torch.no_grad():
            assert relative_error(layer(x), expected) < TOLERANCE[dtype], plan


@pytest.mark.parametrize("name", SMALL)
def test_every_plan_has_exact_gradients(name):
    layer = small(name).W
    x = torch.randn(3, layer.network.input_size, dtype=torch.float64, requires_grad=True)
    names, cores = zip(*layer.tensors().items(), strict=True)
    for plan in plans.plans(layer.network):

        def function(x, *cores, plan=plan):
            return apply(prepare(plan, layer.network, dict(zip(names, cores, strict=True))), x).squeeze(1)

        assert torch.autograd.gradcheck(function, (x, *cores), fast_mode=True), plan


@pytest.mark.parametrize("mask", [False, True], ids=["no dropout", "dropout"])
@pytest.mark.parametrize("name", SMALL)
def test_raw_pixels_are_normalised_inside_the_map(name, mask):
    layer = small(name).W
    sequences, steps, N = 5, 30, layer.network.input_size
    pixels = torch.randint(0, 256, (sequences * steps, N), dtype=torch.uint8)
    drop = (torch.rand(sequences, N, dtype=torch.float64) > 0.3) / 0.7 if mask else None
    x = (pixels.double() - 128) / 128
    if mask:
        x = x * drop.repeat_interleave(steps, 0)
    expected = x @ layer.dense().T
    gradients = torch.autograd.grad(expected.square().sum(), list(layer.cores.values()))
    for plan in plans.plans(layer.network):
        y = apply(prepare(plan, layer.network, layer.tensors()), pixels, (1 / 128, -1.0), drop, steps)
        assert relative_error(y, expected.view(sequences, steps, -1)) < 1e-12, plan
        ours = torch.autograd.grad(y.square().sum(), list(layer.cores.values()))
        assert max(map(relative_error, ours, gradients)) < 1e-12, plan


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("name", SMALL)
def test_layer_equals_torch_with_reconstructed_weights(name, cell):
    layer = small(name, cell=cell)
    x = torch.randn(5, 7, 48, dtype=torch.float64)
    h = torch.randn(1, 5, 16, dtype=torch.float64)
    state = (h, torch.randn_like(h)) if cell == "lstm" else h
    outputs, final = layer(x, state)
    expected, expected_final = reference(layer)(x, state)
    assert relative_error(outputs, expected) < 1e-12
    for ours, theirs in zip(parts(final), parts(expected_final), strict=True):
        assert ours.shape == theirs.shape
        assert relative_error(ours, theirs) < 1e-12


@pytest.mark.parametrize("name", SMALL)
def test_layer_equals_torch_whatever_the_plan(name, monkeypatch):
    """Outputs, with and without gradients, and the gradients of the input against torch's; those of the parameters,
    which torch does not have, agree between all plans."""
    layer = small(name)
    x = torch.randn(5, 7, 48, dtype=torch.float64, requires_grad=True)
    expected = reference(layer)(x)[0]
    (of_x,) = torch.autograd.grad(expected.square().sum(), x)
    of_parameters = torch.autograd.grad(layer(x)[0].square().sum(), list(layer.parameters()))
    for plan in plans.plans(layer._planner.network):
        monkeypatch.setattr(layer._planner, "plan", lambda *_, plan=plan: plan)
        with torch.no_grad():
            assert relative_error(layer(x)[0], expected) < 1e-12, plan
        outputs = layer(x)[0]
        assert relative_error(outputs, expected) < 1e-12, plan
        ours = torch.autograd.grad(outputs.square().sum(), [x, *layer.parameters()])
        for mine, theirs in zip(ours, (of_x, *of_parameters), strict=True):
            assert relative_error(mine, theirs) < 1e-11, plan


def test_rows_of_u_that_make_no_blocks():
    layer = baselines.build("dense", input_size=7, hidden_size=5, dtype=torch.float64)
    x = torch.randn(3, 4, 7, dtype=torch.float64, requires_grad=True)
    ours, theirs = layer(x)[0], reference(layer)(x)[0]
    assert relative_error(ours, theirs) < 1e-12
    gradients = (torch.autograd.grad(outputs.square().sum(), x)[0] for outputs in (ours, theirs))
    assert relative_error(*gradients) < 1e-12


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("name", SMALL)
def test_layer_has_exact_gradients(name, cell):
    layer = small(name, cell=cell)
    names, parameters = zip(*layer.named_parameters(), strict=True)
    x = torch.randn(2, 3, 48, dtype=torch.float64, requires_grad=True)
    state = [torch.randn(1, 2, 16, dtype=torch.float64, requires_grad=True) for _ in range(1 + (cell == "lstm"))]

    def function(x, *rest):
        given = tuple(rest[: len(state)]) if cell == "lstm" else rest[0]
        outputs, final = torch.func.functional_call(
            layer, dict(zip(names, rest[len(state) :], strict=True)), (x, given, [2, 3])
        )
        return outputs, *final

    assert torch.autograd.gradcheck(function, (x, *state, *parameters), fast_mode=True)


@pytest.mark.parametrize("lengths", [None, [7, 3, 1, 5, 2]], ids=["equal lengths", "lengths"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("name", SMALL)
def test_inference_in_blocks_of_steps_gives_the_same(name, cell, lengths, monkeypatch):
    layer = small(name, cell=cell)
    x, h = torch.randn(5, 7, 48, dtype=torch.float64), torch.randn(1, 5, 16, dtype=torch.float64)
    state = (h, 2 * h) if cell == "lstm" else h
    expected, expected_final = layer(x, state, lengths)
    seen, states = [], layer._states
    monkeypatch.setattr(layer, "_states", lambda x, *given: seen.append(x.shape[1]) or states(x, *given))
    monkeypatch.setattr(layer, "_block_steps", lambda *_: 3)
    with torch.no_grad():
        outputs, final = layer(x, state, lengths)
    assert seen == [3, 3, 1]
    assert relative_error(outputs, expected) < 1e-12
    for ours, theirs in zip(parts(final), parts(expected_final), strict=True):
        assert relative_error(ours, theirs) < 1e-12


@pytest.mark.parametrize("format_", ["dense", "tensor_train", "fully_decomposed"])
def test_autocast_keeps_the_recurrence_in_single_precision(format_):
    torch.manual_seed(0)
    shapes = {"dense": {}, "tensor_train": {"input_modes": [4, 6], "ranks": 3}}
    shapes["fully_decomposed"] = {"input_modes": [5, 6], "leaf_rank": 3}
    modes = {} if format_ == "dense" else {"output_modes": [2, 3]}
    layer = baselines.build(format_, input_size=24, hidden_size=6, **shapes[format_], **modes)
    x = torch.randn(3, 5, 24)
    expected = layer(x)[0]
    with torch.autocast("cpu", torch.bfloat16):
        outputs = layer(x)[0]
    outputs.float().square().sum().backward()  # outside, as torch asks for
    assert torch.isfinite(outputs).all()
    assert all(torch.isfinite(parameter.grad).all() for parameter in layer.parameters())
    torch.testing.assert_close(outputs.float(), expected, rtol=0.05, atol=0.05)
