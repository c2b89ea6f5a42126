"""Checks of modes and ranks that the input-only formats share. Torch-free."""

from collections.abc import Sequence
from typing import Any

from fdht import shapes
from fdht.mega import GATES
from fdht.shapes import modes, natural, naturals

Modes = Sequence[int]
Ranks = int | Sequence[int]
Pair = tuple[tuple[int, ...], tuple[int, ...]]


def paired(input_size: int, hidden_size: int, cell: str, input_modes: Any, output_modes: Any) -> Pair:
    """As `merged`, for equally many modes of both."""
    n, m = merged(input_size, hidden_size, cell, input_modes, output_modes)
    shapes.paired(input_modes, output_modes)
    return n, m


def merged(input_size: int, hidden_size: int, cell: str, input_modes: Any, output_modes: Any) -> Pair:
    """Return the modes of D and of G H; the first output mode holds the gates, as in the papers."""
    n = modes("input_modes", input_modes, input_size, "input_size")
    first, *rest = modes("output_modes", output_modes, hidden_size, "hidden_size")
    return n, (GATES[cell] * first, *rest)


def rank_list(ranks: Any, count: int, what: str) -> tuple[int, ...]:
    """Return `count` ranks from a list of as many, or from an int for all of them."""
    if not isinstance(ranks, (list, tuple)):
        return (natural("ranks", ranks),) * count
    if len(found := naturals("ranks", ranks)) != count:
        raise ValueError(f"ranks {list(ranks)} has {len(ranks)} entries; expected {count}, {what}")
    return found
