"""From a declaration to a torch module."""

from typing import Any

import torch
from torch import Tensor, nn

from baselines._declaration import Declaration
from fdht.recurrent import Recurrent


def module(declared: Declaration, device: Any = None, dtype: Any = None) -> Recurrent:
    """The layer that `declared` describes, with its start values drawn."""
    recurrent = Recurrent(
        declared.W,
        declared.hidden_size,
        cell=declared.cell,
        placement=declared.placement,
        batch_first=True,
        gain=declared.gain,
        forget_bias=declared.forget_bias,
        device=device,
        dtype=dtype,
    )
    if declared.init == "authors":
        _start_as_the_authors(recurrent, declared)
    return recurrent


@torch.no_grad()
def _start_as_the_authors(recurrent: Recurrent, declared: Declaration) -> None:
    authors, H = declared.authors, declared.hidden_size
    for core in recurrent.W.cores.values():
        _draw(core, *authors.W)
    _draw(recurrent.U, *authors.U)
    if declared.cell == "lstm" and declared.forget_bias is None:
        recurrent.bias[H : 2 * H] = authors.forget_bias


def _draw(tensor: Tensor, distribution: str, scale: float) -> None:
    if distribution == "uniform":
        tensor.uniform_(-scale, scale)
    elif distribution == "normal":
        tensor.normal_(0, scale)
    elif distribution == "truncated":
        nn.init.trunc_normal_(tensor, 0.0, scale, -2 * scale, 2 * scale)
    else:
        nn.init.orthogonal_(tensor, scale)
