"""FDHTLSTM behaves as users of torch.nn.LSTM expect."""

import copy

import pytest
import torch
from small_models import SMALL, parts, reference, small
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence

from fdht import FDHTLSTM, HierarchicalTucker, Recurrent
from fdht.engine import mega_map
from fdht.engine.splits import splits
from fdht.placement import place

MODES = ([6, 3, 4], [4, 2, 2])


def lstm(**arguments):
    torch.manual_seed(0)
    return FDHTLSTM(48, 16, *MODES, ranks=3, **{"dtype": torch.float64} | arguments)


def assert_same(ours, theirs):
    torch.testing.assert_close(ours[0], theirs[0], rtol=1e-12, atol=1e-14)
    for a, b in zip(ours[1], theirs[1], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("shape", [(7, 5, 48), (7, 48)], ids=["batch", "single"])
def test_call_as_torch(shape, batch_first):
    layer = lstm(batch_first=batch_first)
    x = torch.randn(shape, dtype=torch.float64)
    assert_same(layer(x), reference(layer)(x))
    h = torch.randn(1, *(() if len(shape) == 2 else (5 if not batch_first else 7,)), 16, dtype=torch.float64)
    assert_same(layer(x, (h, 2 * h)), reference(layer)(x, (h, 2 * h)))


@pytest.mark.parametrize("enforce_sorted", [False, True])
def test_packed_sequences_as_torch(enforce_sorted):
    layer = lstm()
    lengths = [7, 5, 4, 1] if enforce_sorted else [4, 7, 1, 5]
    x = torch.randn(7, 4, 48, dtype=torch.float64)
    packed = pack_padded_sequence(x, lengths, enforce_sorted=enforce_sorted)
    h = torch.randn(1, 4, 16, dtype=torch.float64)
    ours, theirs = layer(packed, (h, h)), reference(layer)(packed, (h, h))
    assert_same((ours[0].data, ours[1]), (theirs[0].data, theirs[1]))
    assert_same((pad_packed_sequence(ours[0])[0], ours[1]), (pad_packed_sequence(theirs[0])[0], theirs[1]))
    # The same by lengths.
    outputs, final = layer(x, (h, h), lengths=lengths)
    assert_same((outputs, final), (pad_packed_sequence(theirs[0])[0], theirs[1]))


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_padding_never_acts(name, cell):
    layer = small(name, cell=cell)
    x, lengths = torch.randn(3, 6, 48, dtype=torch.float64), torch.tensor([2, 6, 4])
    outputs, final = layer(x, lengths=lengths)
    for b, length in enumerate(lengths):
        alone, end = layer(x[b : b + 1, :length])
        torch.testing.assert_close(outputs[b : b + 1, :length], alone)
        assert outputs[b, length:].eq(0).all()
        for together, separate in zip(parts(final), parts(end), strict=True):
            torch.testing.assert_close(together[:, b : b + 1], separate)


def test_state_dict_device_and_dtype():
    layer = lstm()
    other = lstm()
    other.reset_parameters()
    other.load_state_dict(layer.state_dict())
    x = torch.randn(3, 2, 48, dtype=torch.float64)
    assert torch.equal(layer(x)[0], other(x)[0])
    assert set(layer.state_dict()) == {"bias", *(f"W.cores.{core.name}" for core in layer.W.network.cores)}
    single = copy.deepcopy(layer).float()
    assert single(x.float())[0].dtype == torch.float32
    torch.testing.assert_close(single(x.float())[0].double(), layer(x)[0], rtol=1e-4, atol=1e-5)
    half = copy.deepcopy(layer).to(torch.bfloat16)
    assert half(x.bfloat16())[0].dtype == torch.bfloat16
    assert layer.to("meta")(x.to("meta"))[0].shape == (3, 2, 16)


def test_pixels_are_normalised_in_the_map():
    whole = lstm(batch_first=True).normalise(1 / 128, -1.0)
    filled_up = FDHTLSTM(50, 14, [8, 8], [7, 2], ranks=3, batch_first=True, dtype=torch.float64).normalise(1 / 128, -1)
    for layer in (whole, filled_up):  # x in whole slices of the map, or filled up with zeros
        pixels = torch.randint(0, 256, (3, 4, layer.input_size), dtype=torch.uint8)
        expected = reference(layer)((pixels.double() - 128) / 128)
        assert_same(layer(pixels), expected)
        assert_same(layer(pixels.double()), expected)


@pytest.mark.parametrize("name", SMALL)
def test_dropout_is_one_mask_a_sequence(name):
    layer = small(name)
    x = torch.ones(2, 1, 48, dtype=torch.float64).expand(2, 3, 48)
    torch.manual_seed(5)
    outputs, _ = layer(x, dropout_input=0.5, dropout_recurrent=0.25)
    torch.manual_seed(5)
    keep_x = torch.empty(2, 48, dtype=torch.float64).bernoulli_(0.5) / 0.5
    keep_h = torch.empty(2, 16, dtype=torch.float64).bernoulli_(0.75) / 0.75
    W, U = layer.dense_weights()
    h = c = torch.zeros(2, 16, dtype=torch.float64)
    for t in range(3):
        i, f, g, o = ((x[:, t] * keep_x) @ W.T + (h * keep_h) @ U.T + layer.bias).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        torch.testing.assert_close(outputs[:, t], h)
    layer.eval()
    assert torch.equal(layer(x, dropout_input=0.5, dropout_recurrent=0.5)[0], layer(x)[0])


@pytest.mark.parametrize("way", ["U joined", "U in parts"])
def test_every_alignment_of_the_state_equals_the_mega_map(way, monkeypatch):
    """x in whole slices and h in a box, x ending within a slice, and h filling its slices."""
    monkeypatch.setattr("fdht.engine.recurrence.OPERATIONS", 1e9 if way == "U joined" else -1e9)
    mega_map.share.cache_clear()
    for D, H, n, m in [(48, 16, [6, 3, 4], [4, 2, 2]), (50, 14, [8, 8], [7, 2]), (48, 12, [5, 3, 4], [3, 2, 2])]:
        layer = FDHTLSTM(D, H, n, m, ranks=3, batch_first=True, dtype=torch.float64)
        mega, positions = layer.W.dense(), layer.positions
        x = torch.randn(3, 4, D, dtype=torch.float64)
        outputs, (_, c) = layer(x)
        h, c = torch.zeros(2, 3, H, dtype=torch.float64)
        for t in range(4):
            z = torch.zeros(3, mega.shape[1], dtype=torch.float64)
            z[:, :D] = x[:, t]
            z[:, positions] = h
            i, f, g, o = (z @ mega.T + layer.bias).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            torch.testing.assert_close(outputs[:, t], h, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_state_network_is_u_in_parts_or_rebuilt(cell, monkeypatch):
    layer = small("separate", cell=cell)
    x = torch.randn(3, 4, 48, dtype=torch.float64, requires_grad=True)
    expected = reference(layer)(x)[0]
    (of_x,) = torch.autograd.grad(expected.square().sum(), x)
    known = [split for split in splits(layer.U.network) if not split.passing]
    assert {len(split.parts) for split in known} == {2, 3}
    of_cores = None
    for split in (None, *known):
        monkeypatch.setattr("fdht.engine.recurrence.best_split", lambda *_, split=split: split)
        outputs = layer(x)[0]
        torch.testing.assert_close(outputs, expected, rtol=1e-12, atol=1e-14)
        found = torch.autograd.grad(outputs.square().sum(), [x, *layer.U.parameters()])
        of_cores = of_cores or found[1:]
        for ours, theirs in zip(found, (of_x, *of_cores), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_a_state_network_must_fit():
    W, U = small("separate").W.network, small("tensor_train").W.network
    with pytest.raises(ValueError, match=r"state_network has the shape \(64, 48\); expected \(64, 16\)"):
        Recurrent(W, 16, state_network=U)


def test_modes_are_chosen_where_they_are_left_out():
    layer = FDHTLSTM(57600, 256, ranks=4)
    assert layer.W.network.input_modes == (12 + 1, 20, 20, 12)
    assert layer(torch.zeros(2, 1, 57600, dtype=torch.uint8))[0].shape == (2, 1, 256)


@pytest.mark.parametrize(
    ("sizes", "modes", "slices", "box"),
    [
        ((57600, 256), (6, 6, 40, 48), 5, (1, 4, 8, 8)),  # the example of fdht/engine/README.md
        ((57600, 256), (9, 20, 20, 18), 8, (1, 8, 8, 4)),
        ((48, 16), (4, 4, 4), 3, (1, 4, 4)),
        ((50, 14), (4, 4, 4), 4, None),  # x ends within a slice
        ((48, 17), (5, 4, 4), 3, None),  # no box has 17 cells
    ],
)
def test_the_state_lies_in_the_box_closest_to_a_cube(sizes, modes, slices, box):
    """Weights that were stored are read by this layout."""
    found = place(*sizes, modes)
    assert (found.slices, found.box) == (slices, box)


def test_hierarchical_tucker_as_a_linear_layer():
    torch.manual_seed(0)
    layer = HierarchicalTucker([4, 5, 6], [2, 2, 2], ranks=2, bias=True)
    with torch.no_grad():
        layer.bias.normal_()
    x = torch.randn(3, 7, 120)
    torch.testing.assert_close(layer(x), x @ layer.dense().T + layer.bias, rtol=1e-5, atol=1e-5)
    assert layer.weight_parameters == sum(core.numel() for core in layer.cores.values()) == 2 * (8 + 10 + 12) + 8 + 4


BAD_CALLS = [
    ((torch.zeros(2, 3, 47),), {}, r"x has the shape \(2, 3, 47\); expected \(T, B, D\) .* D = 48"),
    ((torch.zeros(2, 3, 48, 1),), {}, "x has the shape"),
    ((torch.zeros(0, 3, 48),), {}, "not empty"),
    ((torch.zeros(2, 3, 48, dtype=torch.float64),), {}, "x is torch.float64; expected torch.float32"),
    ((torch.zeros(2, 3, 48, dtype=torch.int64),), {}, "x is torch.int64; expected .*uint8"),
    (([[0.0] * 48],), {}, "x is a list; expected a tensor"),
    ((torch.zeros(2, 3, 48), (torch.zeros(3, 16),) * 2), {}, r"h has the shape \(3, 16\); expected \(1, 3, 16\)"),
    ((torch.zeros(2, 3, 48), torch.zeros(1, 3, 16)), {}, r"initial_state has 1 part\(s\); expected h, c"),
    ((torch.zeros(2, 3, 48),), {"lengths": [1, 2]}, r"lengths has the shape \(2,\) .* expected 3 integers"),
    ((torch.zeros(2, 3, 48),), {"lengths": [1, 2, 3]}, r"lengths is \[1, 2, 3\]; expected values in 1..2"),
    ((torch.zeros(2, 3, 48),), {"lengths": [1, 0, 2]}, "expected values in 1..2"),
    ((torch.zeros(2, 3, 48),), {"dropout_input": 1.0}, "dropout_input is 1.0; expected a probability"),
    ((pack_sequence([torch.zeros(2, 48)]),), {"lengths": [2]}, "lengths and a PackedSequence are given"),
]


@pytest.mark.parametrize(("arguments", "keywords", "message"), BAD_CALLS, ids=range(len(BAD_CALLS)))
def test_bad_calls(arguments, keywords, message):
    with pytest.raises(ValueError, match=message):
        lstm(dtype=torch.float32)(*arguments, **keywords)
    with pytest.raises(ValueError, match=r"x has the shape \(3, 8\); expected \(..., 120\)"):
        HierarchicalTucker([4, 5, 6], [2, 2, 2], ranks=2)(torch.zeros(3, 8))
