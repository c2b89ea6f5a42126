"""From a declaration to a torch module."""

from typing import Any

import torch
from torch import Tensor, nn

from baselines._declaration import AuthorsStart, Declaration
from fdht.recurrent import Recurrent


def module(declared: Declaration, device: Any = None, dtype: Any = None) -> Recurrent:
    """Return the declared layer with its initial weights drawn."""
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
    if declared.authors is not None:
        _initialise_as_the_authors(recurrent, declared.authors)
    return recurrent


@torch.no_grad()
def _initialise_as_the_authors(recurrent: Recurrent, start: AuthorsStart) -> None:
    H = recurrent.hidden_size
    for core in recurrent.W.cores.values():
        _draw(core, *start.W)
    if recurrent.U is not None:
        _draw(recurrent.U, *start.U)
    if recurrent.cell == "lstm" and recurrent.forget_bias is None:
        recurrent.bias[H : 2 * H] = start.forget_bias


def _draw(tensor: Tensor, distribution: str, scale: float) -> None:
    if distribution == "uniform":
        tensor.uniform_(-scale, scale)
    elif distribution == "normal":
        tensor.normal_(0, scale)
    elif distribution == "truncated":
        nn.init.trunc_normal_(tensor, 0.0, scale, -2 * scale, 2 * scale)
    else:
        nn.init.orthogonal_(tensor, scale)
