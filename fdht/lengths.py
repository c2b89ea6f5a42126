"""Sequences of different lengths in one batch."""

from collections.abc import Sequence

import torch
from torch import Tensor


def checked(lengths: Tensor | Sequence[int], B: int, T: int, device: torch.device) -> Tensor:
    """lengths as a tensor (B,) on `device`; ValueError if they are not B integers in 1..T."""
    steps = torch.as_tensor(lengths)
    if steps.shape != (B,) or steps.is_floating_point():
        raise ValueError(f"lengths has the shape {tuple(steps.shape)} and is {steps.dtype}; expected {B} integers")
    if not torch.compiler.is_compiling() and bool(((steps < 1) | (steps > T)).any()):
        raise ValueError(f"lengths is {steps.tolist()}; expected values in 1..{T}")
    return steps.to(device)


def cut(tracks: Sequence[Tensor], lengths: Tensor | None) -> tuple[Tensor, list[Tensor]]:
    """States of all steps, (B, T, H) each -> the first of them, 0 beyond its sequences, and all at their last steps.

    A later step never acts on an earlier one, so padding is cut away after the recurrence, not masked inside it.
    """
    outputs = tracks[0]
    if lengths is None:
        return outputs, [track[:, -1].clone(memory_format=torch.contiguous_format) for track in tracks]
    B, T, H = outputs.shape
    last = (lengths - 1).view(B, 1, 1).expand(B, 1, H)
    beyond = torch.arange(T, device=outputs.device) >= lengths[:, None]
    return outputs.masked_fill(beyond[:, :, None], 0), [track.gather(1, last).squeeze(1) for track in tracks]
