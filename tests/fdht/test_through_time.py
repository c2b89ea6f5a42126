"""The hand-written backward pass of the LSTM equals that of autograd."""

import pytest
import torch
from small_models import small

from fdht import cells
from fdht.engine import through_time
from fdht.engine.recurrence import Recurrence

B, T, H = 3, 4, 6  # H = n_P n_Q = 2 x 3, 4 H = m_P m_Q = 8 x 3


def random(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def recurrences(kind):
    torch.manual_seed(0)
    if kind == "dense":
        return Recurrence((random(4 * H, H),))
    if kind == "two parts":
        return Recurrence((random(2, 2, 8), random(3, 1, 2 * 3)))
    return Recurrence((random(2, 2, 4), random(1, 3, 2 * 2), random(3, 1, 3 * 3)))


def by_hand(recur, pre, h, c, mask):
    """`through_time.lstm` of rows; it uses up its own copy of them."""
    gates = pre.permute(1, 2, 0).clone(memory_format=torch.contiguous_format)
    return through_time.lstm(gates, recur, h, c, mask)


KINDS = pytest.mark.parametrize("kind", ["dense", "two parts", "three parts"])


@KINDS
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("batch", [1, B])
@pytest.mark.parametrize("read", ["h", "c", "both"])
@pytest.mark.parametrize("state", ["given", "none"])
@pytest.mark.parametrize("steps", [1, T])
def test_lstm_equals_its_formula(kind, masked, batch, read, state, steps):
    recur = recurrences(kind)
    pre = random(batch, steps, 4 * H)
    h, c = (random(batch, H), random(batch, H)) if state == "given" else (None, None)
    mask = torch.rand(batch, H, dtype=torch.float64) if masked else None
    given = [tensor for tensor in (pre, h, c, *recur.tensors) if tensor is not None]
    before = [tensor.detach().clone() for tensor in given]
    results = []
    zero = pre.new_zeros(batch, H)
    formula = cells.lstm(pre, recur, zero if h is None else h, zero if c is None else c, mask)
    for hs, cs in (by_hand(recur, pre, h, c, mask), formula):
        used = {"h": [hs], "c": [cs], "both": [hs, cs]}[read]
        loss = sum((track * torch.linspace(1, 2, track.numel()).view(track.shape)).sum() for track in used)
        once = torch.autograd.grad(loss, given, retain_graph=True, materialize_grads=True)
        again = torch.autograd.grad(loss, given, materialize_grads=True)
        assert all(map(torch.equal, once, again)), "what was kept is not used up"
        results.append((hs, cs, *once))
    assert all(map(torch.equal, before, given)), "nothing given is changed"
    for ours, formula in zip(*results, strict=True):
        torch.testing.assert_close(ours, formula, rtol=1e-12, atol=1e-13)


@KINDS
def test_lstm_has_exact_gradients(kind):
    recur = recurrences(kind)

    def function(pre, h, c, *tensors):
        return by_hand(Recurrence(tensors), pre, h, c, None)

    assert torch.autograd.gradcheck(function, (random(B, T, 4 * H), random(B, H), random(B, H), *recur.tensors))


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("batch", [1, B])
def test_outputs_lie_as_those_of_torch_and_may_be_changed(batch, batch_first):
    layer = small("fully_decomposed")
    layer.batch_first = batch_first
    x = torch.randn(*((batch, T) if batch_first else (T, batch)), 48, dtype=torch.float64)
    outputs, final = layer(x)
    theirs, their_final = torch.nn.LSTM(48, 16, batch_first=batch_first, dtype=torch.float64)(x)
    assert outputs.is_contiguous() == theirs.is_contiguous()
    assert all(part.is_contiguous() for part in (*final, *their_final))
    before = [part.clone() for part in final]
    outputs.mul_(2).sum().backward()
    assert all(map(torch.equal, before, final)), "the final state is no view of the outputs"
    for part in final:
        part.detach_()
