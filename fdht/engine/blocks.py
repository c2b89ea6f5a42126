"""Inference in blocks of time steps: memory does not grow with the length of the sequences.

All steps at once make the best products, and a training step needs all their pre-activations anyway. Without gradients
they are released block by block, where they are larger than the input.
"""

from collections.abc import Callable

from torch import Tensor

State = list[Tensor] | None  # (B, H) each; None is 0
ELEMENTS = {"cpu": 2**17, "cuda": 2**26}  # of a block


def block_steps(x: Tensor, peak: int, rebuilt: int) -> int:
    """How many steps of x (B, T, D) make a block.

    peak: elements per step and sequence of the largest intermediate result. rebuilt: elements of W if it is
    rebuilt, compared with which a larger block does not matter.
    """
    B, _, _ = x.shape
    most = max(ELEMENTS["cpu" if x.device.type == "cpu" else "cuda"], rebuilt // 8)
    return max(1, most // (B * peak))


def run(
    step: Callable[[Tensor, State], list[Tensor]], x: Tensor, state: State, size: int, all_steps: bool
) -> list[Tensor]:
    """step (x (B, t, D), state (B, H) each) -> states of t steps (B, t, H) each, applied to blocks of `size` steps.

    Returns the states of all steps. Without `all_steps`, states after the first, h, have the last step only.
    """
    B, T, _ = x.shape
    if size >= T:
        return step(x, state)
    whole: list[Tensor] = []
    last: list[Tensor] = []
    for start in range(0, T, size):
        block = step(x[:, start : start + size], last or state)
        if not whole:
            kept = block if all_steps else block[:1]
            whole = [states.new_empty(B, T, states.shape[2]) for states in kept]
        for states, of_block in zip(whole, block, strict=False):
            states[:, start : start + size] = of_block
        # copies, so that the rest of a block is released before the next one is computed
        last = [states[:, -1].clone() for states in block]
        del block, of_block
    return whole + [states.unsqueeze(1) for states in last[len(whole) :]]
