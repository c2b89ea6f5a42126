"""Where the input x and the state h lie among the input modes of the mega map z = [x ; h]. Torch-free.

fdht/engine/README.md explains this layout.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from fdht.shapes import factorise, natural, naturals


@dataclass(frozen=True)
class Placement:
    """Where x and h lie. x is padded with zeros to `slices` whole slices if D is not a multiple of a slice."""

    input_size: int
    hidden_size: int
    input_modes: tuple[int, ...]
    slices: int  # number of slices that hold x
    box: tuple[int, ...] | None  # sides of the box that h fills in the remaining slices; None: h follows x directly


def place(input_size: int, hidden_size: int, input_modes: Sequence[int]) -> Placement:
    """Lay out [x ; h] over `input_modes`.

    Raises ValueError unless their product is D + H, or x fills whole slices and h fits into the remaining slices,
    of which there may be no more than h needs.
    """
    D, H = natural("input_size", input_size), natural("hidden_size", hidden_size)
    modes = naturals("input_modes", input_modes)
    slice_size, total = math.prod(modes[1:]), math.prod(modes)
    whole, remainder = divmod(D, slice_size)
    if total == D + H:
        return Placement(D, H, modes, whole + bool(remainder), None if remainder else (modes[0] - whole, *modes[1:]))
    needed = whole + math.ceil(H / slice_size)
    if remainder or modes[0] != needed:
        wanted = f", or whole slices of the first mode {(needed, *modes[1:])}"
        raise ValueError(
            f"input_modes {list(modes)} multiply to {total}; expected input_size + hidden_size = {D} + {H}"
            f" = {D + H}{'' if remainder else wanted}"
        )
    return Placement(D, H, modes, whole, _box(H, (modes[0] - whole, *modes[1:])))


def suggest_modes(input_size: int, hidden_size: int, order: int = 4) -> tuple[int, ...]:
    """Return modes for [x ; h]: D in near-equal factors; the smallest comes first and is enlarged to hold h."""
    *rest, first = factorise(natural("input_size", input_size), natural("order", order))
    return (first + math.ceil(natural("hidden_size", hidden_size) / math.prod(rest)), *rest)


def _box(size: int, limits: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the sides of the box of `size` cells within `limits` that is closest to a cube; None if there is none."""
    sides = [[side for side in range(1, min(size, limit) + 1) if size % side == 0] for limit in limits]
    boxes = (box for box in itertools.product(*sides) if math.prod(box) == size)
    return min(boxes, key=lambda box: (sum(box), [-side for side in box]), default=None)
