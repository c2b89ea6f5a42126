"""Inference in blocks of steps: what is held does not grow with the length of the sequences.

All steps at once make the best products, and a training step needs all their pre-activations anyway. Without gradients
they are let go block by block, where they are larger than the input.
"""

from collections.abc import Callable

import torch
from torch import Tensor

HELD = {"cpu": 2**17, "cuda": 2**26}  # elements of a block


def steps(x: Tensor, elements: int) -> int:
    """How many steps of x (B, T, D) make a block, `elements` being held for each step of a sequence."""
    B, T, D = x.shape
    if torch.is_grad_enabled() or torch.compiler.is_compiling() or elements < D:
        return T
    return min(T, max(1, HELD["cpu" if x.device.type == "cpu" else "cuda"] // (B * elements)))


def run(
    step: Callable[[Tensor, list[Tensor]], list[Tensor]], x: Tensor, state: list[Tensor], size: int, all_steps: bool
) -> list[Tensor]:
    """step (x (B, t, D), state (B, H) each) -> states of t steps (B, t, H) each, applied to blocks of `size` steps.

    Without `all_steps`, of the states after the first, h, only the last step need be returned.
    """
    T = x.shape[1]
    if size >= T:
        return step(x, state)
    kept = [T if k == 0 or all_steps else 1 for k in range(len(state))]
    whole = [part.new_empty(part.shape[0], t, part.shape[1]) for part, t in zip(state, kept, strict=True)]
    for start in range(0, T, size):
        tracks = step(x[:, start : start + size], state)
        for track, states in zip(whole, tracks, strict=True):
            if track.shape[1] == T:
                track[:, start : start + size] = states
        state = [states[:, -1] for states in tracks]
    for track, last in zip(whole, state, strict=True):
        track[:, -1] = last
    return whole
