"""Modes and ranks of the input-only formats. Torch-free."""

from typing import Any

from fdht.mega import GATES
from fdht.shapes import modes, natural, naturals


def paired(shared: dict[str, Any], input_modes: Any, output_modes: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Checked modes, as many output as input modes, the gates merged into the first output mode as published."""
    n, m = merged(shared, input_modes, output_modes)
    if len(n) != len(m):
        raise ValueError(f"output_modes {list(output_modes)} are {len(m)} modes; expected {len(n)}, as input_modes")
    return n, m


def merged(shared: dict[str, Any], input_modes: Any, output_modes: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Checked modes, the gates merged into the first output mode."""
    n = modes("input_modes", input_modes, shared["input_size"], "input_size")
    first, *rest = modes("output_modes", output_modes, shared["hidden_size"], "hidden_size")
    return n, (GATES[shared["cell"]] * first, *rest)


def rank_list(name: str, ranks: Any, count: int, what: str) -> tuple[int, ...]:
    """An int for all, or a list of `count` ranks."""
    if isinstance(ranks, (list, tuple)):
        ranks = naturals(name, ranks)
        if len(ranks) != count:
            raise ValueError(f"{name} {list(ranks)} has {len(ranks)} entries; expected {count}, {what}")
        return ranks
    return (natural(name, ranks),) * count
