"""Inference in blocks of steps: what is held does not grow with the length of the sequences.

All steps at once make the best products, and a training step needs all their pre-activations anyway. Without gradients
they are let go block by block, where they are larger than the input.
"""

from collections.abc import Callable

import torch
from torch import Tensor

State = list[Tensor] | None  # (B, H) each; None is 0
HELD = {"cpu": 2**17, "cuda": 2**26}  # elements of a block


def steps(x: Tensor, elements: int, anyhow: int) -> int:
    """How many steps of x (B, T, D) make a block, where so many elements are held for each step of a sequence, and so
    many for all of them."""
    B, T, D = x.shape
    if torch.is_grad_enabled() or torch.compiler.is_compiling() or elements < D:
        return T
    largest = max(HELD["cpu" if x.device.type == "cpu" else "cuda"], anyhow // 8)
    return min(T, max(1, largest // (B * elements)))


def run(
    step: Callable[[Tensor, State], list[Tensor]], x: Tensor, state: State, size: int, all_steps: bool
) -> list[Tensor]:
    """step (x (B, t, D), state (B, H) each) -> states of t steps (B, t, H) each, applied to blocks of `size` steps.

    Without `all_steps`, of the states after the first, h, only the last step need be returned.
    """
    T = x.shape[1]
    if size >= T:
        return step(x, state)
    whole: list[Tensor] = []
    for start in range(0, T, size):
        state = _block(step, x, state, start, size, whole, all_steps)
    return whole + [last.unsqueeze(1) for last in state[len(whole) :]]


def _block(step, x: Tensor, state: State, start: int, size: int, whole: list[Tensor], all_steps: bool) -> list[Tensor]:
    """Writes the states of a block into `whole`, which the first block makes; returns the last of them, (B, H) each.

    So nothing else of a block is held while the next one is computed.
    """
    end, tracks = min(start + size, x.shape[1]), step(x[:, start : start + size], state)
    if start == 0:
        kept = tracks if all_steps else tracks[:1]
        whole += [track.new_empty(track.shape[0], x.shape[1], track.shape[2]) for track in kept]
    for track, states in zip(whole, tracks, strict=False):
        track[:, start:end] = states
    return [track[:, end - 1] for track in whole] + [track[:, -1] for track in tracks[len(whole) :]]
