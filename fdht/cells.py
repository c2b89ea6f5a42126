"""LSTM and GRU as plain operations, given the input part of the pre-activations p of all steps.

Gates are stacked as in torch.nn: i, f, g, o for the LSTM; r, z, n for the GRU. U acts on the previous output:
LSTM  a_t = p_t + U h_{t-1};  c_t = σ(f) c_{t-1} + σ(i) tanh(g);  h_t = σ(o) tanh(c_t)
GRU   r, z = σ(p_t + U h_{t-1});  n = tanh(p_t + r (U h_{t-1}));  h_t = (1 - z) n + z h_{t-1}

σ is one of ACTIVATIONS. A mask, (B, H) for all steps or (B, T, H), is dropout on h_{t-1}.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Recurrence = Callable[[Tensor], Tensor]


def hard_sigmoid(x: Tensor) -> Tensor:
    """0.2 x + 0.5, cut to [0, 1], as in Keras 2; torch's own is x / 6 + 0.5."""
    return (0.2 * x + 0.5).clamp(0, 1)


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"sigmoid": torch.sigmoid, "hard_sigmoid": hard_sigmoid}


def lstm(
    pre: Tensor, recurrence: Recurrence, h: Tensor, c: Tensor, mask: Tensor | None = None, activation: str = "sigmoid"
) -> tuple[Tensor, Tensor]:
    """pre (B, T, 4H), recurrence (B, H) -> (B, 4H), h and c (B, H) -> all h, all c (B, T, H)."""
    hs, cs, gate = [], [], ACTIVATIONS[activation]
    for step, kept in zip(pre.unbind(1), _of_steps(mask, pre.shape[1]), strict=True):
        i, f, g, o = (step + recurrence(h if kept is None else h * kept)).chunk(4, dim=1)
        c = gate(f) * c + gate(i) * g.tanh()
        h = gate(o) * c.tanh()
        hs.append(h)
        cs.append(c)
    return torch.stack(hs, 1), torch.stack(cs, 1)


def gru(
    pre: Tensor, recurrence: Recurrence, h: Tensor, mask: Tensor | None = None, activation: str = "sigmoid"
) -> Tensor:
    """pre (B, T, 3H), recurrence (B, H) -> (B, 3H), h (B, H) -> all h, (B, T, H)."""
    hs, gate = [], ACTIVATIONS[activation]
    for step, kept in zip(pre.unbind(1), _of_steps(mask, pre.shape[1]), strict=True):
        (r, z, n), (ur, uz, un) = step.chunk(3, dim=1), recurrence(h if kept is None else h * kept).chunk(3, dim=1)
        z = gate(z + uz)
        n = (n + gate(r + ur) * un).tanh()
        h = n + z * (h - n)
        hs.append(h)
    return torch.stack(hs, 1)


def _of_steps(mask: Tensor | None, steps: int) -> Sequence[Tensor | None]:
    return [mask] * steps if mask is None or mask.dim() == 2 else mask.unbind(1)
