"""Small models of every format, shared by the tests."""

import torch

import baselines

SIZES = {"input_size": 48, "hidden_size": 16}
SMALL = {
    "dense": {},
    "tensor_train": {"input_modes": [4, 3, 4], "output_modes": [4, 2, 2], "ranks": [3, 2]},
    "tensor_ring": {"input_modes": [8, 6], "output_modes": [2, 4, 2], "ranks": [2, 3, 2, 3, 2]},
    "block_term": {"input_modes": [4, 3, 4], "output_modes": [4, 2, 2], "ranks": 3, "blocks": 2},
    "hierarchical_tucker": {"input_modes": [4, 3, 4], "output_modes": [4, 2, 2], "leaf_rank": 3, "inner_rank": 2},
    "fully_decomposed": {"input_modes": [6, 3, 4], "output_modes": [4, 2, 2], "ranks": 3},
    "fully_decomposed_train": {"input_modes": [6, 3, 4], "output_modes": [4, 2, 2], "ranks": [3, 2]},
    "per_gate": {"input_modes": [6, 3, 4], "output_modes": [4, 2, 2], "ranks": 2},
    "separate": {"input_modes": [4, 3, 4], "output_modes": [4, 2, 2], "ranks": 3, "state_ranks": 2},
}


def small(name: str, dtype: torch.dtype = torch.float64, **arguments):
    """A small recurrent layer of format `name`."""
    torch.manual_seed(0)
    return baselines.build(name, **SIZES, **SMALL[name], dtype=dtype, **arguments)


def parts(state) -> list[torch.Tensor]:
    """The tensors of a final state: h and c of an LSTM, h of a GRU."""
    return [state] if isinstance(state, torch.Tensor) else list(state)


def reference(layer):
    """torch.nn.LSTM or GRU with the reconstructed weights of `layer`."""
    kind = torch.nn.LSTM if layer.cell == "lstm" else torch.nn.GRU
    dtype = layer.bias.dtype
    peer = kind(layer.input_size, layer.hidden_size, batch_first=layer.batch_first, dtype=dtype)
    W, U = layer.dense_weights()
    with torch.no_grad():
        peer.weight_ih_l0.copy_(W)
        peer.weight_hh_l0.copy_(U)
        peer.bias_ih_l0.copy_(layer.bias)
        peer.bias_hh_l0.zero_()
    return peer
