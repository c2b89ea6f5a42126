"""From a declaration to a torch module."""

from typing import Any

import torch
from torch import Tensor, nn

from baselines._declaration import Declaration
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
    if (start := declared.authors) is not None:
        for core in recurrent.W.cores.values():
            _draw(core, *start.W)
        if recurrent.U is not None:
            nn.init.orthogonal_(recurrent.U)
        if recurrent.cell == "lstm" and recurrent.forget_bias is None:
            H = recurrent.hidden_size
            with torch.no_grad():
                recurrent.bias[H : 2 * H] = start.forget_bias
    return recurrent


def _draw(tensor: Tensor, initialiser: str, *values: float) -> None:
    getattr(nn.init, initialiser)(tensor, *values)
