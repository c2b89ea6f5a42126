"""Inference in blocks of time steps: pre-activations are released block by block where they exceed the input."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

State = list[Tensor] | None  # (B, H) each; None is 0
ELEMENTS = {"cpu": 2**17, "cuda": 2**26}  # of a block


def run(
    step: Callable[[Tensor, State], list[Tensor]], x: Tensor, state: State, size: int, all_steps: bool
) -> list[Tensor]:
    """step (x (B, t, D), state (B, H) each) -> states of t steps (B, t, H) each, applied to blocks of `size` steps.

    Returns the states of all steps. Without `all_steps`, states after the first, h, have the last step only.
    """
    if size >= x.shape[1]:
        return step(x, state)
    kept: list[list[Tensor]] = []
    last: list[Tensor] = []
    for of_block in x.split(size, dim=1):
        states = step(of_block, last or state)
        last = [track[:, -1].clone() for track in states]  # not views, which would keep all states of the block
        kept.append(states if all_steps else states[:1])
        del states
    whole = [torch.cat(blocks, dim=1) for blocks in zip(*kept, strict=True)]
    return whole + [track.unsqueeze(1) for track in last[len(whole) :]]


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
