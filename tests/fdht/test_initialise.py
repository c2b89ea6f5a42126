"""The reconstructed weight starts with the std that was asked for, whatever the format and the ranks."""

import math

import pytest
import torch

import baselines

SIZES = {"input_size": 480, "hidden_size": 32}
FORMATS = {
    "dense": {},
    "tensor_train": {"input_modes": [8, 10, 6], "output_modes": [4, 4, 2], "ranks": [5, 2]},
    "tensor_ring": {"input_modes": [8, 10, 6], "output_modes": [8, 4], "ranks": [2, 3, 2, 4, 2]},
    "block_term": {"input_modes": [8, 10, 6], "output_modes": [4, 4, 2], "ranks": [2, 3, 2], "blocks": 3},
    "hierarchical_tucker": {"input_modes": [8, 10, 6], "output_modes": [4, 4, 2], "leaf_rank": 4, "inner_rank": 2},
    "fully_decomposed": {"input_modes": [9, 10, 6], "output_modes": [4, 4, 2], "leaf_rank": 4, "inner_rank": 2},
    "fully_decomposed_train": {"input_modes": [9, 10, 6], "output_modes": [4, 4, 2], "ranks": [5, 2]},
    "separate": {"input_modes": [8, 10, 6], "output_modes": [4, 4, 2], "ranks": 3, "state_ranks": 2},
    "per_gate": {"input_modes": [9, 10, 6], "output_modes": [4, 4, 2], "ranks": 3},
}
DRAWS = 300


def mean_squares(name, **arguments):
    """Mean of W² and of U² over draws, each with its standard error."""
    layer = baselines.build(name, **SIZES, **FORMATS[name], dtype=torch.float64, **arguments)
    W2, U2 = [], []
    for _ in range(DRAWS):
        layer.reset_parameters()
        W, U = layer.dense_weights()
        W2.append(W.square().mean())
        U2.append(U.square().mean())
    return [(torch.stack(values).mean(), torch.stack(values).std() / math.sqrt(DRAWS)) for values in (W2, U2)]


@pytest.mark.parametrize("name", FORMATS)
@torch.no_grad()
def test_variance_of_the_weights_is_exact(name):
    torch.manual_seed(0)
    gain = 2.0
    (W2, W_error), (U2, U_error) = mean_squares(name, gain=gain)
    assert abs(W2 - gain**2 / SIZES["input_size"]) < 4 * W_error
    assert abs(U2 - gain**2 / SIZES["hidden_size"]) < 4 * U_error


def test_forget_bias():
    for name in FORMATS:
        bias = baselines.build(name, **SIZES, **FORMATS[name], forget_bias=1.5).bias
        assert bias.view(4, 32).mean(1).tolist() == [0, 1.5, 0, 0]


def test_start_values_come_from_torchs_generator():
    for name in FORMATS:
        states = []
        for seed in (3, 3, 4):
            torch.manual_seed(seed)
            states.append(baselines.build(name, **SIZES, **FORMATS[name]).W.state_dict())
        assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
        assert not all(torch.equal(states[0][key], states[2][key]) for key in states[0])


PIXELS = {"input_size": 57600, "hidden_size": 256, "init": "authors"}
MODES = {"input_modes": [8, 20, 20, 18], "output_modes": [4, 4, 4, 4], "ranks": 4}


def preactivations(name, parameters, scale):
    """Root mean square of W x over draws of both, x as uniform pixels in [0, scale]."""
    squares = []
    for seed in range(30):
        torch.manual_seed(seed)
        W = baselines.build(name, **PIXELS, **parameters).W
        squares.append((W(torch.rand(4, 57600) * scale)).square().mean())
    return math.sqrt(torch.stack(squares).mean())


def test_published_start_of_the_tensor_train_is_the_authors():
    """TT_RNN's Glorot start over all cores: 0.29 for pixels in [0, 1] as measured with its own code; exactly:"""
    limit2 = 3 / math.sqrt(3360)
    expected = math.sqrt(57600 / 3 * 64 * (limit2 / 3) ** 4)
    assert 0.25 < expected < 0.35
    with torch.no_grad():
        assert abs(preactivations("tensor_train", MODES, 1.0) / expected - 1) < 0.25


def test_published_starts_of_block_term_ring_and_dense():
    for name, parameters in {"block_term": {**MODES, "blocks": 2}, "tensor_ring": MODES | {"ranks": 3}}.items():
        layer = baselines.build(name, **PIXELS, **parameters)
        # Cut at two std, a normal keeps 0.774 of its variance.
        std = 0.05 * math.sqrt(0.774) if name == "block_term" else 0.5
        flat = torch.cat([core.flatten() for core in layer.W.cores.values()])
        assert abs(flat.std().item() / std - 1) < 0.15
        torch.testing.assert_close(layer.U.mT @ layer.U, torch.eye(256), rtol=0, atol=1e-4)


DENSE = {  # code: half-width or, cut at two std, std of W, and the forget bias
    "tt": (math.sqrt(6 / (300 + 256)) / math.sqrt(3), 1),
    "bt": (0.1 * math.sqrt(0.774), 1),
    "tednet": (0.3, 0),
}


@pytest.mark.parametrize("code", DENSE)
def test_published_starts_of_the_dense_layer(code):
    std, forget = DENSE[code]
    dense = baselines.build("dense", input_size=300, hidden_size=64, init="authors", code=code)
    assert abs(dense.W.cores["weight"].std().item() / std - 1) < 0.05
    assert dense.bias.view(4, 64).mean(1).tolist() == [0, forget, 0, 0]
    torch.testing.assert_close(dense.U.mT @ dense.U, torch.eye(64), rtol=0, atol=1e-4)


FORGET = {"tensor_train": MODES, "block_term": MODES | {"blocks": 2}, "tensor_ring": MODES | {"ranks": 3}}


@pytest.mark.parametrize("name", FORGET)
def test_published_forget_bias(name):
    bias = baselines.build(name, **PIXELS, **FORGET[name]).bias
    assert bias.view(4, 256).mean(1).tolist() == [0, 0 if name == "tensor_ring" else 1, 0, 0]
