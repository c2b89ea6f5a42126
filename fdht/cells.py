"""LSTM and GRU as plain operations, given the input part of the pre-activations p of all steps.

Gates are stacked as in torch.nn: i, f, g, o for the LSTM; r, z, n for the GRU. U acts on the previous output:
LSTM  a_t = p_t + U h_{t-1};  c_t = σ(f) c_{t-1} + σ(i) tanh(g);  h_t = σ(o) tanh(c_t)
GRU   r, z = σ(p_t + U h_{t-1});  n = tanh(p_t + r (U h_{t-1}));  h_t = (1 - z) n + z h_{t-1}
"""

from collections.abc import Callable

import torch
from torch import Tensor

Recurrence = Callable[[Tensor], Tensor]


def lstm(
    pre: Tensor, recurrence: Recurrence, h: Tensor, c: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """pre (B, T, 4H), recurrence (B, H) -> (B, 4H), h, c and mask (B, H), mask or None -> all h, all c (B, T, H)."""
    hs, cs = [], []
    for step in pre.unbind(1):
        i, f, g, o = (step + recurrence(h if mask is None else h * mask)).chunk(4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        hs.append(h)
        cs.append(c)
    return torch.stack(hs, 1), torch.stack(cs, 1)


def gru(pre: Tensor, recurrence: Recurrence, h: Tensor, mask: Tensor | None = None) -> Tensor:
    """pre (B, T, 3H), recurrence (B, H) -> (B, 3H), h (B, H), mask (B, H) or None -> all h, (B, T, H)."""
    hs = []
    for step in pre.unbind(1):
        (r, z, n), (ur, uz, un) = step.chunk(3, dim=1), recurrence(h if mask is None else h * mask).chunk(3, dim=1)
        z = (z + uz).sigmoid()
        n = (n + (r + ur).sigmoid() * un).tanh()
        h = n + z * (h - n)
        hs.append(h)
    return torch.stack(hs, 1)
