"""The order in which small tensors are contracted to one. Torch-free."""

import itertools
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

Indices = tuple[str, ...]
Pair = tuple[int, int, Indices]


def merge_order(operands: Sequence[Indices], result: Sequence[str], sizes: Mapping[str, int]) -> tuple[Pair, ...]:
    """Pairwise contraction of tensors with the indices `operands` to one with the indices `result`.

    Greedy: always the pair whose product grows least. Each step (a, b, indices) takes the operands a < b out of the
    list and appends their product. A single operand needs no step.
    """
    used = {index for operand in operands for index in operand}
    return _merge_order(tuple(operands), tuple(result), tuple((i, n) for i, n in sizes.items() if i in used))


@lru_cache(maxsize=4096)
def _merge_order(operands: tuple[Indices, ...], result: Indices, sizes: tuple) -> tuple[Pair, ...]:
    size, left, steps = dict(sizes), list(operands), []
    while len(left) > 1:
        a, b = min(itertools.combinations(range(len(left)), 2), key=lambda pair: _growth(left, pair, result, size))
        product = result if len(left) == 2 else _product(left, (a, b), result)
        steps.append((a, b, product))
        left = replaced(left, a, b, product)
    return tuple(steps)


def replaced(operands: Sequence, a: int, b: int, product) -> list:
    """The operands without a and b, their product at the end."""
    return [operand for k, operand in enumerate(operands) if k not in (a, b)] + [product]


def _product(operands: Sequence[Indices], pair: tuple[int, int], result: Indices) -> Indices:
    """Indices of the pair's product: those that another operand or the result needs."""
    needed = {*result, *(i for k, operand in enumerate(operands) if k not in pair for i in operand)}
    a, b = (operands[k] for k in pair)
    return tuple(i for i in dict.fromkeys(a + b) if i in needed)


def _growth(operands: Sequence[Indices], pair: tuple[int, int], result: Indices, size: dict[str, int]) -> tuple:
    """Pairs without a common index come last; then by elements of the product less those of the pair."""
    a, b = (operands[k] for k in pair)
    volume = math.prod(size[i] for i in _product(operands, pair, result))
    return not {*a} & {*b}, volume - sum(math.prod(size[i] for i in operand) for operand in (a, b)), volume
