"""The LSTM in fused kernels computes what it computes operation by operation; on a CPU with stand-ins for kernels."""

import pytest
import torch

import baselines
from fdht.engine.gpu import cell

SHAPES = {"input_size": 12, "hidden_size": 6}
FORMATS = [
    {"format": "dense"},
    {"format": "fully_decomposed", "input_modes": [3, 6], "output_modes": [2, 3], "ranks": 3},
]


def stand_ins():
    def step(i, f, g, o, c):
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return c, o.sigmoid() * c.tanh()

    def of_gates(slope, dh, kept, grad, dc, through, of_o):
        h = dh * kept + grad
        return slope * torch.where(of_o != 0, h, dc + h * through)

    def of_c(dh, kept, grad, dc, through, f):
        return (dc + (dh * kept + grad) * through) * f

    return cell.Kernels(step, of_gates, of_c)


def computed(layer, device, state, dropout):
    """Outputs, final states, and all gradients of a loss on both."""
    layer.zero_grad()
    x = torch.arange(4 * 5 * 12.0, dtype=torch.float64).sin().view(4, 5, 12).to(device).requires_grad_()
    given = [
        torch.full((1, 4, 6), value, dtype=torch.float64, device=device, requires_grad=True) for value in (0.3, -0.2)
    ]
    torch.manual_seed(1)
    outputs, (h, c) = layer(x, tuple(given) if state else None, dropout_recurrent=dropout)
    (outputs[:, 1].square().sum() + outputs.sin().sum() + h.sum() + c.square().sum()).backward()
    grads = [*(given if state else ()), x, *layer.parameters()]
    return [outputs.detach(), h.detach(), c.detach(), *(tensor.grad for tensor in grads)]


def check(device, monkeypatch, arguments, state, dropout):
    torch.manual_seed(0)
    layer = baselines.build(**SHAPES, **arguments, dtype=torch.float64).to(device)
    with monkeypatch.context() as patch:
        patch.setattr(cell, "accepts", lambda _: False)
        expected = computed(layer, device, state, dropout)
    found = computed(layer, device, state, dropout)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
    x = torch.ones(4, 5, 12, dtype=torch.float64, device=device)
    with torch.no_grad():  # a step at a time
        state, outputs = None, []
        for _ in range(5):
            output, state = layer.eval()(x[:, :1], state)
            outputs.append(output)
        torch.testing.assert_close(layer(x)[0], torch.cat(outputs, 1), rtol=1e-12, atol=1e-12)


CASES = pytest.mark.parametrize(("state", "dropout"), [(False, 0.0), (True, 0.0), (True, 0.5), (False, 0.5)])


@CASES
@pytest.mark.parametrize("arguments", FORMATS, ids=lambda entry: entry["format"])
def test_stand_ins_give_the_same_outputs_and_gradients(monkeypatch, arguments, state, dropout):
    monkeypatch.setattr(cell, "accepts", lambda _: True)
    monkeypatch.setattr(cell, "compiled", stand_ins)
    check("cpu", monkeypatch, arguments, state, dropout)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@CASES
@pytest.mark.parametrize("arguments", FORMATS, ids=lambda entry: entry["format"])
def test_kernels_give_the_same_outputs_and_gradients(monkeypatch, arguments, state, dropout):
    check("cuda", monkeypatch, arguments, state, dropout)
