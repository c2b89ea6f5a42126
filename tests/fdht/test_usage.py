"""What users of torch.nn do with a layer, and what they get wrong."""

import re
from functools import partial

import numpy as np
import pytest
import torch
from small_models import SMALL, parts, reference, small
from torch.nn.utils import parametrizations, prune
from torch.nn.utils.rnn import PackedSequence

import fdht
from fdht import FDHTLSTM, HierarchicalTucker, fully_decomposed
from fdht.placement import suggest_modes
from fdht.recurrent import Recurrent

X = torch.linspace(-1, 1, 2 * 3 * 48, dtype=torch.float64).view(2, 3, 48)
STATE = torch.zeros(1, 2, 16, dtype=torch.float64)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("name", SMALL)
def test_a_second_derivative_is_right_or_refused(name, cell):
    layer, x = small(name, cell=cell), X.clone().requires_grad_()
    loss = layer(x)[0].sum()
    if cell == "lstm":  # whose backward pass is written by hand
        with pytest.raises(RuntimeError, match="create_graph is True"):
            torch.autograd.grad(loss, x, create_graph=True)
        return
    (gradient,) = torch.autograd.grad(loss, x, create_graph=True)
    (second,) = torch.autograd.grad(gradient.square().sum(), layer.bias)
    peer = reference(layer)
    (theirs,) = torch.autograd.grad(peer(x)[0].sum(), x, create_graph=True)
    torch.testing.assert_close(second, torch.autograd.grad(theirs.square().sum(), peer.bias_ih_l0)[0])


@pytest.mark.parametrize("state", ["box", "no box"])
def test_weights_may_be_loaded_without_being_made(state):
    arguments = (48, 16, [16, 4], [4, 4]) if state == "box" else (50, 14, [8, 8], [7, 2])
    layer = FDHTLSTM(*arguments, ranks=3)
    x = torch.randn(4, 2, layer.input_size)
    skipped = torch.nn.utils.skip_init(FDHTLSTM, *arguments, ranks=3)
    skipped.load_state_dict(layer.state_dict())
    with torch.device("meta"):
        assigned = FDHTLSTM(*arguments, ranks=3)
    assigned.load_state_dict(layer.state_dict(), assign=True)
    for other in (skipped, assigned):
        assert torch.equal(other(x)[0], layer(x)[0])
        assert torch.equal(other.dense_weights()[1], layer.dense_weights()[1])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_packed_call_leaves_the_layer_as_it_is(cell, monkeypatch):
    layer = small("tensor_train", cell=cell)
    ties = PackedSequence(X[:, :2].reshape(-1, 48), torch.tensor([2, 2]), torch.tensor([1, 0]), torch.tensor([1, 0]))
    theirs, their_final = reference(layer)(ties)
    monkeypatch.setattr(Recurrent, "__setattr__", lambda *_: pytest.fail("the layer is changed during a call"))
    outputs, final = layer(ties)
    assert torch.equal(outputs.sorted_indices, theirs.sorted_indices)
    torch.testing.assert_close(outputs.data, theirs.data)
    for ours, expected in zip(parts(final), parts(their_final), strict=True):
        torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("name", SMALL)
def test_a_single_step_gives_every_parameter_a_gradient(name, cell):
    layer = small(name, cell=cell)
    layer(X[:1])[0].sum().backward()
    assert all(parameter.grad is not None for parameter in layer.parameters())


@pytest.mark.parametrize("state", [None, STATE.float()])
@pytest.mark.parametrize("name", SMALL)
def test_autocast_keeps_a_gru_in_single_precision(name, state):
    layer = small(name, cell="gru", dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        outputs, final = layer(X.float(), state)
    assert outputs.dtype == final.dtype == torch.float32


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("name", SMALL)
def test_autocast_takes_what_it_has_made(name, cell):
    layer, linear = small(name, cell=cell, dtype=torch.float32), torch.nn.Linear(48, 48)
    expected = layer(linear(X.float()))[0]
    with torch.autocast("cpu", torch.bfloat16):
        x = linear(X.float())
        outputs = layer(x)[0]
    assert x.dtype == torch.bfloat16
    torch.testing.assert_close(outputs.float(), expected, rtol=0.05, atol=0.05)
    outputs.float().square().sum().backward()
    assert linear.weight.grad.abs().sum() > 0
    with pytest.raises(ValueError, match=r"x is torch.bfloat16; expected torch.float32"):
        layer(x)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_arguments_by_their_names_in_torch(cell):
    layer = small("tensor_train", cell=cell)
    state = (STATE + 1, STATE + 2) if cell == "lstm" else STATE + 1
    assert torch.equal(layer(input=X, hx=state)[0], layer(X, state)[0])
    for twice, message in (
        ({"hx": state, "initial_state": state}, "initial_state and hx"),
        ({"input": X}, "x and input"),
    ):
        with pytest.raises(ValueError, match=f"{message} are given; expected one of them"):
            layer(X, **twice)
    with pytest.raises(ValueError, match="x is a NoneType; expected a tensor"):
        layer(hx=state)


def test_an_empty_batch_of_rows():
    layer = HierarchicalTucker([4, 5, 6], [2, 2, 2], ranks=2, bias=True)
    assert layer(torch.zeros(3, 0, 120)).shape == (3, 0, 8)
    x = torch.zeros(3, 0, 120, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad.shape == x.shape
    assert all(parameter.grad.eq(0).all() for parameter in layer.parameters())


def test_modes_and_numbers_of_numpy():
    given = FDHTLSTM(48, 16, np.array([16, 4]), np.array([4, 4]), ranks=np.int64(3), gain=np.float32(2))
    plain = FDHTLSTM(48, 16, [16, 4], [4, 4], ranks=3, gain=2)
    assert given.W.network == plain.W.network
    assert given.gain == plain.gain


@pytest.mark.parametrize("kind", [np.array, torch.tensor, tuple])
def test_ranks_of_any_kind(kind):
    given = FDHTLSTM(48, 16, [16, 4], [4, 4], ranks=kind([2, 3]))
    assert given.W.network.bonds == {"r1": 2, "r2": 3}
    assert FDHTLSTM.from_lstm(torch.nn.LSTM(48, 16), [16, 4], [4, 4], kind([2, 3])).W.network == given.W.network
    with pytest.raises(ValueError, match=r"ranks \[2, 3, 4\] has 3 entries; expected 2"):
        FDHTLSTM(48, 16, [16, 4], [4, 4], ranks=kind([2, 3, 4]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X, (STATE.float(), STATE)), "initial_state: h is torch.float32; expected torch.float64"),
        ((X, (STATE, STATE.long())), "initial_state: c is torch.int64; expected torch.float64"),
        ((X, (STATE, None)), "initial_state: c is a NoneType; expected a tensor (1, 2, 16)"),
        ((X, 5), "initial_state has 1 part(s); expected h, c"),
        ((X, None, "abc"), "lengths is 'abc'; expected 2 integers"),
        ((X, None, [1, None]), "lengths is [1, None]; expected 2 integers"),
        ((X, None, torch.tensor([True] * 2)), "lengths has the shape (2,) and is torch.bool; expected 2 integers"),
    ],
)
def test_bad_states_and_lengths(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        small("tensor_train")(*arguments)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FDHTLSTM(48, 16, ranks=3, dtype=torch.complex64), "dtype is torch.complex64; expected a floating"),
        (lambda: HierarchicalTucker([4, 5], [2, 2], 2, dtype=torch.int32), "dtype is torch.int32; expected a floating"),
        (
            lambda: FDHTLSTM(97, 13, ranks=2),  # two primes
            "node {3} is above 1, the most that the modes allow: input_modes [2, 97, 1, 1], output_modes [4, 1, 1, 13]",
        ),
        (lambda: FDHTLSTM(48, 16, [8], ranks=3), "or whole slices of the first mode (64,)"),
        (lambda: fully_decomposed(48, 16, ranks=3, cell="rnn"), "cell is 'rnn'; expected one of lstm, gru"),
        (lambda: suggest_modes(48, 0), "hidden_size is 0; expected an integer of at least 1"),
        (lambda: suggest_modes(48, 16, 0), "order is 0; expected an integer of at least 1"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_the_cell_is_that_of_the_class():
    with pytest.raises(TypeError, match="multiple values for keyword argument 'cell'"):
        FDHTLSTM(48, 16, ranks=3, cell="gru")


def test_bidirectional_is_true_or_false_as_in_torch():
    assert FDHTLSTM(48, 16, ranks=3, bidirectional=2).num_layers == 1


@pytest.mark.parametrize("kind", [torch.uint8, torch.int16])
def test_lengths_of_any_integers(kind):
    layer = small("tensor_train")
    expected = layer(X, lengths=[2, 3])
    assert torch.equal(layer(X, lengths=torch.tensor([2, 3], dtype=kind))[0], expected[0])


@pytest.mark.parametrize(
    "x", [torch.zeros(2, 120).double(), torch.zeros(2, 120).long(), torch.zeros(2, 120).double().to("meta"), [0.0]]
)
def test_a_linear_map_refuses_what_is_not_in_its_dtype(x):
    with pytest.raises(ValueError, match=r"x is .*; expected"):
        HierarchicalTucker([4, 5, 6], [2, 2, 2], ranks=2)(x)


def test_only_an_lstm_is_compressed():
    with pytest.raises(ValueError, match=r"lstm is GRU\(48, 16\); expected a torch.nn.LSTM without proj"):
        FDHTLSTM.from_lstm(torch.nn.GRU(48, 16), ranks=3)
    with pytest.raises(ValueError, match=r"proj_size=8\); expected a torch.nn.LSTM without projection"):
        FDHTLSTM.from_lstm(torch.nn.LSTM(48, 16, proj_size=8), ranks=3)


@pytest.mark.parametrize("change", [parametrizations.weight_norm, partial(prune.random_unstructured, amount=0.5)])
def test_an_lstm_whose_weights_are_computed_is_compressed(change):
    lstm = torch.nn.LSTM(48, 16, dtype=torch.float64)
    change(lstm, "weight_hh_l0")
    torch.testing.assert_close(FDHTLSTM.from_lstm(lstm, accuracy=1e-12)(X)[0], lstm(X)[0])


def test_a_linear_map_is_read_as_that_of_torch():
    layer = HierarchicalTucker([4, 5, 6], [2, 2, 2], ranks=2)
    assert torch.equal(layer.weight, layer.dense())
    assert (layer.in_features, layer.out_features) == (120, 8)
    assert not [name for name in layer.state_dict() if not name.startswith("cores.")]
    with pytest.raises(KeyError, match="attribute 'weight' already exists"):
        layer.weight = torch.nn.Parameter(layer.dense())


def test_every_name_can_be_completed():
    assert {*fdht.__all__} <= {*dir(fdht)}


def test_layers_show_what_they_are():
    layer = FDHTLSTM(48, 16, [16, 4], [4, 4], ranks=[2, 3], num_layers=2, bidirectional=True, dropout=0.5, bias=False)
    shown = repr(layer.normalise(0.5, 1))
    first = "48, 16, num_layers=2, dropout=0.5, bidirectional=True, normalisation=(0.5, 1.0), bias=False"
    assert shown.startswith(f"FDHTLSTM(\n  {first}\n")
    assert "(l0_reverse): Recurrent(\n    48, 16, normalisation=(0.5, 1.0), bias=False\n" in shown
    assert "64 (16, 4) -> 64 (16, 4), ranks=[2, 3], weights=" in shown
    assert "weights=72, bias=True\n" in repr(HierarchicalTucker([4, 5, 6], [2, 2, 2], ranks=2, bias=True))
    assert repr(small("dense")).startswith("Recurrent(\n  48, 16, batch_first=True\n")
