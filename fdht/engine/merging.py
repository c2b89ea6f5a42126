"""The order in which small tensors are contracted to one. Torch-free."""

import itertools
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

Indices = tuple[str, ...]
Step = tuple[int, int, Indices]


def merge_order(operands: Sequence[Indices], result: Sequence[str], sizes: Mapping[str, int]) -> tuple[Step, ...]:
    """Pairwise contraction of tensors with the indices `operands` to one with the indices `result`.

    Greedy: always the pair whose product grows least. Each step (a, b, indices) appends the product of the operands
    at a < b to the list of operands; each operand is used once. A single operand needs no step.
    """
    used = {index for operand in operands for index in operand}
    return _merge_order(tuple(operands), tuple(result), tuple((i, n) for i, n in sizes.items() if i in used))


@lru_cache(maxsize=4096)
def _merge_order(operands: tuple[Indices, ...], result: Indices, sizes: tuple) -> tuple[Step, ...]:
    size, left, steps = dict(sizes), dict(enumerate(operands)), []
    while len(left) > 1:

        def growth(pair: tuple[int, int], left: dict[int, Indices] = left) -> tuple[bool, int, int]:
            """Pairs without a common index come last; then by elements of the product less those of the pair."""
            volume, parts = _volume(_product(left, pair, result), size), [left[k] for k in pair]
            return not {*parts[0]} & {*parts[1]}, volume - sum(_volume(part, size) for part in parts), volume

        a, b = min(itertools.combinations(left, 2), key=growth)
        product = result if len(left) == 2 else _product(left, (a, b), result)
        steps.append((a, b, product))
        del left[a], left[b]
        left[len(operands) + len(steps) - 1] = product
    return tuple(steps)


def _product(left: Mapping[int, Indices], pair: tuple[int, int], result: Indices) -> Indices:
    """Indices of the pair's product: those that another operand or the result needs."""
    needed = {*result, *(i for k, operand in left.items() if k not in pair for i in operand)}
    return tuple(i for i in dict.fromkeys(left[pair[0]] + left[pair[1]]) if i in needed)


def _volume(indices: Indices, size: Mapping[str, int]) -> int:
    return math.prod(size[i] for i in indices)
