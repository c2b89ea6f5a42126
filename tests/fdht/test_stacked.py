"""Several layers and directions: equal to torch.nn's with the dense weights, and to a stack of single layers."""

import re

import pytest
import torch
from small_models import parts
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torch.nn.utils.rnn import pack_padded_sequence

from fdht import FDHTGRU, FDHTLSTM

B, T, D, H = 4, 6, 48, 16
SHAPES = [(1, True), (2, False), (3, True)]
KINDS = {"lstm": (FDHTLSTM, torch.nn.LSTM), "gru": (FDHTGRU, torch.nn.GRU)}
X = torch.linspace(-2, 2, B * T * D, dtype=torch.float64).sin().view(B, T, D)
LENGTHS = [3, 6, 1, 5]


def stack(cell, num_layers, bidirectional, **options):
    torch.manual_seed(0)
    kind, modes = KINDS[cell][0], ([6, 3, 4], [4, 2, 2])
    given = {"ranks": 3, "batch_first": True, "dtype": torch.float64} | options
    layer = kind(D, H, *modes, num_layers=num_layers, bidirectional=bidirectional, **given)
    for part in layer.layers:
        if part.bias is not None:
            torch.nn.init.normal_(part.bias)
    return layer


def names(layer):
    return ["l0", *(name for name, _ in layer.named_children() if name.startswith("l"))]


def dense(layer, dropout=0.0):
    """torch.nn's stack with the weights that those of `layer` make."""
    shape = {"num_layers": layer.num_layers, "bidirectional": layer.bidirectional, "dropout": dropout}
    peer = KINDS[layer.cell][1](
        D, H, bias=layer.bias is not None, batch_first=layer.batch_first, dtype=torch.float64, **shape
    )
    for name, part in zip(names(layer), layer.layers, strict=True):
        W, U = part.dense_weights()
        weights = {f"weight_ih_{name}": W, f"weight_hh_{name}": U}
        if part.bias is not None:
            weights |= {f"bias_ih_{name}": part.bias, f"bias_hh_{name}": torch.zeros_like(part.bias)}
        assert not peer.load_state_dict(weights, strict=False).unexpected_keys
    return peer


def assert_same(ours, theirs):
    for a, b in zip((ours[0], *parts(ours[1])), (theirs[0], *parts(theirs[1])), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-13)


def state_of(layer):
    draw = torch.Generator().manual_seed(1)
    h = torch.randn(layer.states, B, H, dtype=torch.float64, generator=draw)
    return (h, 2 * h) if layer.cell == "lstm" else h


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", KINDS)
class TestAsTorch:
    @pytest.mark.parametrize("bias", [True, False])
    @pytest.mark.parametrize("batch_first", [True, False])
    def test_outputs_and_states(self, cell, shape, bias, batch_first):
        layer = stack(cell, *shape, bias=bias, batch_first=batch_first)
        x, state = X if batch_first else X.transpose(0, 1), state_of(layer)
        peer = dense(layer)
        assert_same(layer(x), peer(x))
        ours = layer(x, state)
        assert_same(ours, peer(x, state))
        assert parts(ours[1])[0].shape == (shape[0] * (1 + shape[1]), B, H)

    def test_a_single_sequence(self, cell, shape):
        layer = stack(cell, *shape)
        state = state_of(layer)
        one = tuple(part[:, 2] for part in state) if cell == "lstm" else state[:, 2]
        assert_same(layer(X[2], one), dense(layer)(X[2], one))

    @pytest.mark.parametrize("enforce_sorted", [False, True])
    def test_packed_sequences_and_lengths(self, cell, shape, enforce_sorted):
        layer = stack(cell, *shape)
        lengths, state = sorted(LENGTHS, reverse=True) if enforce_sorted else LENGTHS, state_of(layer)
        packed = pack_padded_sequence(X, lengths, batch_first=True, enforce_sorted=enforce_sorted)
        ours, theirs = layer(packed, state), dense(layer)(packed, state)
        assert_same((ours[0].data, ours[1]), (theirs[0].data, theirs[1]))
        padded = torch.nn.utils.rnn.pad_packed_sequence(theirs[0], batch_first=True)[0]
        assert_same(layer(X, state, lengths=lengths), (padded, theirs[1]))

    def test_gradients(self, cell, shape):
        layer, found = stack(cell, *shape), []
        peer = dense(layer)
        for module in (layer, peer):
            x = X.clone().requires_grad_()
            packed = pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
            outputs, final = module(packed, state_of(layer))
            loss = outputs.data.square().sum() + sum(part.sin().sum() for part in parts(final))
            loss.backward()
            found.append(x.grad)
        torch.testing.assert_close(*found, rtol=1e-10, atol=1e-12)
        for name, part in zip(names(layer), layer.layers, strict=True):
            torch.testing.assert_close(part.bias.grad, getattr(peer, f"bias_ih_{name}").grad, rtol=1e-10, atol=1e-12)
            W, U = part.dense_weights()
            theirs = [getattr(peer, f"weight_{kind}_{name}").grad for kind in ("ih", "hh")]
            cores = list(part.W.cores.values())
            expected = torch.autograd.grad([W, U], cores, theirs)
            for core, gradient in zip(cores, expected, strict=True):
                torch.testing.assert_close(core.grad, gradient, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("cell", KINDS)
def test_a_stack_is_its_single_layers(cell):
    layer = stack(cell, 2, True, bias=False).normalise(1 / 128, -1.0).requires_grad_(False)
    pixels = torch.arange(B * T * D).mul(37).remainder(256).to(torch.uint8).view(B, T, D)
    x = pixels.double() / 128 - 1
    expected = []
    for level in ("l0", "l1"):
        outputs = []
        for name in (level, f"{level}_reverse"):
            part = layer if name == "l0" else layer.get_submodule(name)
            alone = KINDS[cell][0](
                x.shape[2], H, part.placement.input_modes, [4, 2, 2], 3, bias=False, batch_first=True
            )
            alone.double().load_state_dict(part.state_dict(), strict=name != "l0")
            y, final = alone(x.flip(1) if "_" in name else x)
            outputs.append(y.flip(1) if "_" in name else y)
            expected.append(parts(final))
        x = torch.cat(outputs, 2)
    found, final = layer(pixels)
    torch.testing.assert_close(found, x, rtol=1e-11, atol=1e-13)
    for ours, theirs in zip(parts(final), zip(*expected, strict=True), strict=True):
        torch.testing.assert_close(ours, torch.cat(theirs), rtol=1e-11, atol=1e-13)


def test_dropout_is_between_layers_and_in_training_only():
    layer = stack("lstm", 3, True, dropout=1.0)
    assert_same(layer(X), dense(layer, dropout=1.0)(X))  # later layers see zeros
    assert layer(X)[0].abs().min() > 0
    half = stack("lstm", 2, False, dropout=0.5)
    assert_same(half.eval()(X), dense(half)(X))
    below = stack("lstm", 1, False)
    below.load_state_dict(half.state_dict(), strict=False)
    torch.manual_seed(3)
    first = half.train()(X)[0]
    torch.manual_seed(3)
    seen = torch.nn.functional.dropout(below(X)[0], 0.5)
    assert 0.4 < seen.eq(0).double().mean() < 0.6
    torch.testing.assert_close(first, half.l1(seen)[0], rtol=1e-11, atol=1e-13)


def test_the_state_dict_names_layers_as_torch_does():
    layer = stack("lstm", 2, True)
    keys = list(stack("lstm", 1, False).state_dict())
    prefixes = ("", "l0_reverse.", "l1.", "l1_reverse.")
    assert sorted(layer.state_dict()) == sorted(prefix + key for prefix in prefixes for key in keys)
    assert layer.weight_parameters()["bias"] == 4 * 4 * H
    assert sum(layer.weight_parameters().values()) == sum(p.numel() for p in layer.parameters())
    assert not [name for name in stack("gru", 2, True, bias=False).state_dict() if "bias" in name]


def test_ranks_by_layer():
    layer = stack("lstm", 2, True, ranks={"l0": 3, "l0_reverse": 2, "l1": [4, 3, 2, 4], "l1_reverse": 1})
    leaves = [tuple(part.W.cores[f"leaf{k}"].shape[2] for k in (1, 2, 3)) for part in layer.layers]
    assert leaves == [(3, 3, 3), (2, 2, 2), (4, 3, 2), (1, 1, 1)]


def test_each_layer_starts_with_its_own_variance():
    layer = stack("lstm", 2, False, forget_bias=1.5)
    before = [part.dense_weights()[0] for part in layer.layers]
    layer.reset_parameters()
    for part, old in zip(layer.layers, before, strict=True):
        assert not torch.equal(part.dense_weights()[0], old)
        assert part.bias.view(4, H).mean(1).tolist() == [0, 1.5, 0, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"proj_size": 8}, "proj_size is 8; expected 0: h has no projection"),
        ({"num_layers": 0}, "num_layers is 0; expected an integer of at least 1"),
        ({"dropout": 1.5}, "dropout is 1.5; expected a probability in 0 <= p <= 1"),
        ({"forget_bias": 1.0, "bias": False}, "forget_bias is 1.0 with bias False; expected None"),
        ({"ranks": 5, "num_layers": 2}, "layer l1: rank 5 of node {3} is above 4"),
        ({"ranks": {"l0": 3}, "num_layers": 2}, "ranks has the layers l0; expected l0, l1"),
    ],
)
def test_what_a_stack_does_not_take_is_one_sentence(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        FDHTLSTM(48, 16, [6, 3, 4], [4, 2, 2], **{"ranks": 3} | options)


def test_a_state_of_another_stack_is_an_error():
    with pytest.raises(ValueError, match=re.escape("h has the shape (1, 4, 16); expected (4, 4, 16)")):
        stack("gru", 2, True)(X, torch.zeros(1, B, H, dtype=torch.float64))


def test_dropout_without_a_second_layer_is_a_warning():
    with pytest.warns(UserWarning, match="dropout is 0.5 with num_layers 1: it acts between layers only"):
        FDHTLSTM(48, 16, ranks=2, dropout=0.5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bias", [True, False])
def test_a_trained_stack_is_compressed_layer_by_layer(shape, bias):
    given = stack("lstm", *shape, bias=bias)
    trained = dense(given, dropout=0.25 if shape[0] > 1 else 0).eval()
    found = FDHTLSTM.from_lstm(trained, [6, 3, 4], [4, 2, 2], accuracy=1e-12).eval()
    assert_same(found(X), trained(X))
    assert found.dropout == trained.dropout
    assert (found.bias is None) != bias
    coarse = FDHTLSTM.from_lstm(trained, [6, 3, 4], [4, 2, 2], ranks=3)
    assert coarse.weight_parameters()["W"] == given.weight_parameters()["W"]


@pytest.mark.parametrize("cell", KINDS)
def test_layers_may_be_wrapped_and_hooked(cell):
    layer, calls = stack(cell, 2, True), []
    expected, sizes = layer(X, lengths=LENGTHS), layer.weight_parameters()
    layer.l1.register_forward_pre_hook(lambda *_: calls.append("l1"))
    layer.l0_reverse, layer.l1 = checkpoint_wrapper(layer.l0_reverse), checkpoint_wrapper(layer.l1)
    outputs = layer(X, lengths=LENGTHS)
    assert torch.equal(outputs[0], expected[0])
    for ours, theirs in zip(parts(outputs[1]), parts(expected[1]), strict=True):
        assert torch.equal(ours, theirs)
    outputs[0].sum().backward()
    assert calls == ["l1", "l1"]  # the wrapper computes it again in the backward pass
    assert layer.weight_parameters() == sizes
    before = layer.l1.W.dense()
    layer.normalise(0.5, 0.25).reset_parameters()
    assert layer.l0_reverse._checkpoint_wrapped_module.normalisation == layer.normalisation == (0.5, 0.25)
    assert not torch.equal(layer.l1.W.dense(), before)


def test_layers_may_be_tied():
    layer, expected = stack("lstm", 3, False), stack("lstm", 3, False)
    layer.l2 = layer.l1
    expected.l2.load_state_dict(expected.l1.state_dict())
    assert_same(layer(X), expected(X))
    assert sum(layer.weight_parameters().values()) == sum(parameter.numel() for parameter in layer.parameters())


def test_a_recurrent_module_of_a_derived_class_is_no_layer_of_the_stack():
    class Mine(FDHTLSTM):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            self.other = FDHTGRU(H, D, ranks=2)

    mine, plain = Mine(D, H, ranks=2, num_layers=2), FDHTLSTM(D, H, ranks=2, num_layers=2)
    plain.load_state_dict(mine.state_dict(), strict=False)
    assert mine.layers == [mine, mine.l1]
    assert torch.equal(mine(X.float())[0], plain(X.float())[0])
