"""The recurrences: LSTM and GRU over pre-activations that were computed for all steps at once.

Gates are stacked as in torch.nn: i, f, g, o for the LSTM; r, z, n for the GRU. U acts on the previous output:
LSTM  a_t = p_t + U h_{t-1};  c_t = σ(f) c_{t-1} + σ(i) tanh(g);  h_t = σ(o) tanh(c_t)
GRU   r, z = σ(p_t + U h_{t-1});  n = tanh(p_t + r (U h_{t-1}));  h_t = (1 - z) n + z h_{t-1}
A state that is None is 0: the first step then has no product with U.
"""

from collections.abc import Callable

import torch
from torch import Tensor

GATES = {"lstm": 4, "gru": 3}
Recur = Callable[[Tensor], Tensor]


def lstm(
    pre: Tensor, recur: Recur, h: Tensor | None, c: Tensor | None, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """pre (B, T, 4H), recur (B, H) -> (B, 4H), h, c and mask (B, H) or None -> all h, all c (B, T, H)."""
    hs, cs = [], []
    for step in pre.unbind(1):
        if h is not None:
            step = step + recur(h if mask is None else h * mask)
        i, f, g, o = step.chunk(4, dim=1)
        new = i.sigmoid() * g.tanh()
        c = new if c is None else f.sigmoid() * c + new
        h = o.sigmoid() * c.tanh()
        hs.append(h)
        cs.append(c)
    return torch.stack(hs, 1), torch.stack(cs, 1)


def gru(pre: Tensor, recur: Recur, h: Tensor | None, mask: Tensor | None = None) -> Tensor:
    """pre (B, T, 3H), recur (B, H) -> (B, 3H), h and mask (B, H) or None -> all h, (B, T, H)."""
    hs = []
    for step in pre.unbind(1):
        r, z, n = step.chunk(3, dim=1)
        if h is None:
            n = n.tanh()
            h = n - z.sigmoid() * n
        else:
            ur, uz, un = recur(h if mask is None else h * mask).chunk(3, dim=1)
            n = (n + (r + ur).sigmoid() * un).tanh()
            h = n + (z + uz).sigmoid() * (h - n)
        hs.append(h)
    return torch.stack(hs, 1)
