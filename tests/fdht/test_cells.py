"""Cells with hard gates and with dropout in every place, compared with a recurrence written in numpy."""

import numpy as np
import pytest
import torch
from small_models import small

from fdht import dropout
from fdht.cells import hard_sigmoid

B, T, H = 3, 5, 16
GATES = {
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "hard_sigmoid": lambda a: np.minimum(np.maximum(0.2 * a + 0.5, 0), 1),  # Keras 2, backend.hard_sigmoid
}
STEPS = pytest.mark.parametrize("every_step", [False, True], ids=["one mask", "a mask per step"])


def lstm(x, W, U, bias, gate, mask_x=1.0, mask_product=1.0, mask_h=1.0):
    """x (B, T, D) -> all h (B, T, H); every mask is (B, T, ...)."""
    mask_product, mask_h = (np.broadcast_to(mask, (B, T, size)) for mask, size in ((mask_product, 4 * H), (mask_h, H)))
    product, h, c, hs = (x * mask_x) @ W.T, np.zeros((B, H)), np.zeros((B, H)), []
    for t in range(T):
        i, f, g, o = np.split(product[:, t] * mask_product[:, t] + bias + (h * mask_h[:, t]) @ U.T, 4, axis=1)
        c = gate(f) * c + gate(i) * np.tanh(g)
        h = gate(o) * np.tanh(c)
        hs.append(h)
    return np.stack(hs, 1)


def gru(x, W, U, bias, gate):
    """torch's GRU, with other gates."""
    product, h, hs = x @ W.T + bias, np.zeros((B, H)), []
    for t in range(T):
        (r, z, n), (ur, uz, un) = np.split(product[:, t], 3, axis=1), np.split(h @ U.T, 3, axis=1)
        r, z = gate(r + ur), gate(z + uz)
        h = (1 - z) * np.tanh(n + r * un) + z * h
        hs.append(h)
    return np.stack(hs, 1)


def layer_and_x(name="tensor_train", **options):
    """A layer whose gates saturate now and then, and clips for it."""
    layer = small(name, gain=6.0, **options)
    with torch.no_grad():
        layer.bias.normal_()
    return layer, torch.randn(B, T, 48, dtype=torch.float64)


def arrays(layer):
    return [tensor.detach().numpy() for tensor in (*layer.dense_weights(), layer.bias)]


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("cell", [lstm, gru])
@pytest.mark.parametrize("name", ["dense", "tensor_train", "fully_decomposed"])
def test_gates(name, cell, kind):
    layer, x = layer_and_x(name, cell=cell.__name__, gate_activation=kind)
    expected = cell(x.numpy(), *arrays(layer), GATES[kind])
    np.testing.assert_allclose(layer(x)[0].detach().numpy(), expected, rtol=1e-12, atol=1e-13)
    with torch.no_grad():
        np.testing.assert_allclose(layer(x)[0].numpy(), expected, rtol=1e-12, atol=1e-13)


def test_hard_sigmoid_is_that_of_keras():
    x = torch.tensor([-9.0, -2.5, -1.0, 0.0, 1.0, 2.5, 9.0], dtype=torch.float64)
    torch.testing.assert_close(hard_sigmoid(x), torch.tensor([0, 0, 0.3, 0.5, 0.7, 1, 1], dtype=torch.float64))
    assert not torch.allclose(hard_sigmoid(x), torch.nn.functional.hardsigmoid(x))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_hard_gates_have_exact_gradients(cell):
    layer, x = layer_and_x(cell=cell, gate_activation="hard_sigmoid")
    names, values = zip(*layer.named_parameters(), strict=True)

    def function(x, *values):
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x,))[0]

    assert torch.autograd.gradcheck(function, (x.requires_grad_(), *values), fast_mode=True)


class Recorded:
    """Keeps the masks that are drawn, in the order of `Masks`."""

    def __init__(self, monkeypatch):
        self.masks, draw = [], dropout.mask
        monkeypatch.setattr(dropout, "mask", lambda *given: self.masks.append(draw(*given)) or self.masks[-1])

    def arrays(self):
        """Every mask as (B, 1 or T, size)."""
        found = [torch.ones(B, 1, 1) if mask is None else mask for mask in self.masks]
        return [(mask if mask.dim() == 3 else mask.unsqueeze(1)).numpy() for mask in found]


@STEPS
@pytest.mark.parametrize("place", ["dropout_input", "dropout_product", "dropout_recurrent"])
@pytest.mark.parametrize("name", ["dense", "tensor_train", "fully_decomposed"])
def test_each_dropout_acts_at_its_place_alone(name, place, every_step, monkeypatch):
    layer, x = layer_and_x(name)
    drawn = Recorded(monkeypatch)
    outputs = layer(x, **{place: 0.5}, dropout_every_step=every_step)[0]
    masks = drawn.arrays()
    number = ["dropout_input", "dropout_product", "dropout_recurrent"].index(place)
    assert [mask is None for mask in drawn.masks] == [k != number for k in range(3)]
    assert set(np.unique(masks[number])) == {0.0, 2.0}, "kept values are divided by 1 - p"
    assert masks[number].shape[1] == (T if every_step and number else 1)
    expected = lstm(x.numpy(), *arrays(layer), GATES["sigmoid"], *masks)
    np.testing.assert_allclose(outputs.detach().numpy(), expected, rtol=1e-12, atol=1e-13)


@STEPS
def test_all_dropouts_at_once_with_hard_gates_and_their_gradients(every_step, monkeypatch):
    layer, x = layer_and_x(gate_activation="hard_sigmoid")
    places = dict.fromkeys(["dropout_input", "dropout_product", "dropout_recurrent"], 0.3)
    drawn = Recorded(monkeypatch)
    outputs = layer(x, **places, dropout_every_step=every_step)[0]
    expected = lstm(x.numpy(), *arrays(layer), GATES["hard_sigmoid"], *drawn.arrays())
    np.testing.assert_allclose(outputs.detach().numpy(), expected, rtol=1e-12, atol=1e-13)
    names, values = zip(*layer.named_parameters(), strict=True)

    def function(x, *values):
        torch.manual_seed(1)
        return torch.func.functional_call(
            layer, dict(zip(names, values, strict=True)), (x,), {**places, "dropout_every_step": every_step}
        )[0]

    assert torch.autograd.gradcheck(function, (x.requires_grad_(), *values), fast_mode=True)


@STEPS
def test_without_gradients_dropout_is_the_same(every_step):
    layer, x = layer_and_x()
    given = {"dropout_product": 0.3, "dropout_recurrent": 0.3, "dropout_every_step": every_step}
    torch.manual_seed(1)
    expected = layer(x, **given)[0]
    torch.manual_seed(1)
    with torch.no_grad():
        torch.testing.assert_close(layer(x, **given)[0], expected, rtol=1e-12, atol=1e-13)
    layer.eval()
    assert torch.equal(layer(x, **given)[0], layer(x)[0])


def test_an_unknown_gate_is_named():
    with pytest.raises(ValueError, match="gate_activation is 'relu'; expected one of sigmoid, hard_sigmoid"):
        small("dense", gate_activation="relu")
    with pytest.raises(ValueError, match="dropout_product is 1; expected a probability"):
        small("dense")(torch.randn(B, T, 48, dtype=torch.float64), dropout_product=1)
