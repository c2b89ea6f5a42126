"""The ways to apply a tensor network to rows of inputs, and the order in which cores are merged. Torch-free.

- `split`: merge the cores of each part (see `fdht.engine.splits`), then one GEMM per part.
- `sweep`: contract the input with one core after the other.
- `rebuild`: contract the cores to W (M, N), then one GEMM.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from fdht.engine.splits import Split, splits
from fdht.network import Network

Indices = tuple[str, ...]
Step = tuple[int, int, Indices]
Path = tuple[tuple[int, Indices], ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """A way to apply a network: a split, else a sweep along a path, else a rebuild. Equal to itself only.

    path: positions in `network.cores`, each with the indices of the state after that core.
    """

    split: Split | None = None
    path: Path = ()

    def __str__(self) -> str:
        if self.split:
            return "split " + ", ".join(f"n{i} m{j}" for i, j in reversed(self.split.cuts))
        return f"sweep {' '.join(str(k) for k, _ in self.path)}" if self.path else "rebuild"


def plans(network: Network) -> Iterator[Plan]:
    """Every plan for `network`."""
    yield Plan()
    for split in splits(network):
        yield Plan(split)
    if len(network.cores) > 1:
        yield Plan(path=_path(network, last_first=True))  # the last mode is contiguous
        yield Plan(path=_path(network, last_first=False))


def _path(network: Network, last_first: bool) -> Path:
    """Greedy: next the core that leaves the smallest state. `last_first` decides between equals."""
    left, state, path = list(range(len(network.cores))), network.inputs, []

    def after(k: int) -> tuple[str, ...]:
        needed = {*network.outputs, *(i for other in left if other != k for i in network.cores[other].indices)}
        return tuple(i for i in dict.fromkeys((*state, *network.cores[k].indices)) if i in needed)

    def score(k: int) -> tuple[bool, int, int]:
        volume = math.prod(network.sizes[i] for i in after(k))
        return not {*network.cores[k].indices} & {*state}, volume, -k if last_first else k

    while left:
        k = min(left, key=score)
        state = after(k)
        left.remove(k)
        path.append((k, state))
    return tuple(path)


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
