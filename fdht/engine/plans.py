"""The ways to apply a tensor network to rows of inputs. Torch-free.

- `split`: merge the cores of each part (see `fdht.engine.splits`), then one GEMM per part.
- `sweep`: contract the input with one core after the other.
- `rebuild`: contract the cores to W (M, N), then one GEMM.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from fdht.engine.splits import Split, splits
from fdht.network import Network

Path = tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """A way to apply a network: a split, else a sweep along a path, else a rebuild. Equal to itself only.

    path: positions in `network.cores`, each with the indices of the state after that core.
    """

    split: Split | None = None
    path: Path = ()

    @property
    def kind(self) -> str:
        """split, sweep or rebuild"""
        return "split" if self.split else "sweep" if self.path else "rebuild"

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
