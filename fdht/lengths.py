"""Sequences of different lengths in one batch."""

from collections.abc import Sequence

import torch
from torch import Tensor


def last_steps(tracks: Sequence[Tensor], lengths: Tensor | None) -> tuple[Tensor, list[Tensor]]:
    """Outputs and final states of padded sequences.

    tracks: states of all steps, (B, T, H) each, the first of them h. lengths: (B,), or None if all have T steps.
    Returns h, with 0 after the end of each sequence, and the states (B, H) at the last step of each sequence. A later
    step never acts on an earlier one, so padding is removed after the recurrence, not masked inside it.
    """
    outputs = tracks[0]
    if lengths is None:
        return outputs, [track[:, -1] for track in tracks]
    B, T, H = outputs.shape
    last = (lengths - 1).view(B, 1, 1).expand(B, 1, H)
    beyond = torch.arange(T, device=outputs.device) >= lengths[:, None]
    return outputs.masked_fill(beyond[:, :, None], 0), [track.gather(1, last).squeeze(1) for track in tracks]
