"""Where the input x and the state h lie among the input modes of the mega map z = [x ; h]. Torch-free.

D + H seldom factorises well: 57,600 + 256 = 2^9 * 113. So the first input mode counts slices of z: x fills the first
slices and h lies in an extra slice, whose other positions stay unused. For 57,600 = 8 x 20 x 20 x 18 and H = 256 the
modes are (8 + 1) x 20 x 20 x 18.
- x stays contiguous and aligned with the modes: it is used without a copy and without padding.
- Unused positions cost nothing: the extra slice adds m_1 r_1 weights, and only its H positions are evaluated.
- h fills a box, as close to a cube as H allows. So every core but the first distinguishes its units; in consecutive
  positions only the last modes would.
- A prime factor such as 113 as a mode of its own would cost 113 m_k r_k weights in one leaf.
If D + H factorises with x in whole slices (2,048 + 2,048 = (8 + 8) x 16 x 16), h fills its slices completely.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from fdht.shapes import factorise, natural, naturals


@dataclass(frozen=True)
class Placement:
    """Where x and h lie. x is padded with zeros to `slices` whole slices if D is no multiple of a slice."""

    input_size: int
    hidden_size: int
    input_modes: tuple[int, ...]
    slices: int  # values of the first input mode that hold x
    box: tuple[int, ...] | None  # h in a box of the remaining slices; None: consecutive from `start`
    start: int

    @property
    def padded(self) -> int:
        """Columns of the map that act on x: D, or D rounded up to whole slices."""
        return self.slices * math.prod(self.input_modes[1:])


def place(input_size: int, hidden_size: int, input_modes: tuple[int, ...]) -> Placement:
    """Lay out [x ; h] over `input_modes`.

    Raises ValueError unless their product is D + H, or x fills whole slices and the others just suffice for h.
    """
    D, H = natural("input_size", input_size), natural("hidden_size", hidden_size)
    modes = naturals("input_modes", input_modes)
    slice_size, total = math.prod(modes[1:]), math.prod(modes)
    whole, remainder = divmod(D, slice_size)
    if total == D + H:
        box = None if remainder else (modes[0] - whole, *modes[1:])
        return Placement(D, H, modes, whole + bool(remainder), box, D)
    needed = whole + math.ceil(H / slice_size)
    if remainder or modes[0] != needed:
        wanted = f"or whole slices of the first mode ({needed}, {', '.join(map(str, modes[1:]))})"
        raise ValueError(
            f"input_modes {list(modes)} have the product {total}; expected input_size + hidden_size = {D} + {H}"
            f" = {D + H}{'' if remainder else ', ' + wanted}"
        )
    return Placement(D, H, modes, whole, _box(H, (modes[0] - whole, *modes[1:])), D)


def suggest_modes(input_size: int, hidden_size: int, order: int = 4) -> tuple[int, ...]:
    """Input modes for [x ; h]: D factorised as evenly as its primes allow, the smallest factor extended for h."""
    *rest, first = factorise(natural("input_size", input_size), order)
    return (first + math.ceil(hidden_size / math.prod(rest)), *rest)


def _box(size: int, limits: tuple[int, ...]) -> tuple[int, ...] | None:
    """The box of `size` cells within `limits` that is closest to a cube, or None if there is none."""

    def boxes(size: int, limits: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if not limits:
            yield from [()] if size == 1 else []
            return
        for side in range(1, min(size, limits[0]) + 1):
            if size % side == 0:
                yield from ((side, *others) for others in boxes(size // side, limits[1:]))

    return min(boxes(size, limits), key=lambda box: (sum(box), [-side for side in box]), default=None)
