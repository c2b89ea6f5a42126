"""The ways to apply a tensor network to rows of inputs. Torch-free.

- `split`: merge the cores of each part (see `fdht.engine.splits`), then one GEMM per part.
- `sweep`: contract the input with one core after the other.
- `rebuild`: contract the cores to W (M, N), then one GEMM.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from fdht.engine.splits import Split, splits
from fdht.network import Core, Network


@dataclass(frozen=True, eq=False)
class Plan:
    """A way to apply a network: a split, else a sweep along a path, else a rebuild. Equal to itself only.

    path: positions in `network.cores`.
    """

    split: Split | None = None
    path: tuple[int, ...] = ()

    @property
    def kind(self) -> str:
        """split, sweep or rebuild"""
        return "split" if self.split else "sweep" if self.path else "rebuild"

    def __str__(self) -> str:
        if self.split:
            return "split " + ", ".join(f"n{i} m{j}" for i, j in reversed(self.split.cuts))
        return f"sweep {' '.join(map(str, self.path))}" if self.path else "rebuild"


def plans(network: Network) -> Iterator[Plan]:
    """Every plan for `network`."""
    yield Plan()
    for split in splits(network):
        yield Plan(split)
    if len(network.cores) > 1:
        yield Plan(path=_path(network, last_first=True))  # the last mode is contiguous
        yield Plan(path=_path(network, last_first=False))


def sweep_steps(network: Network, path: tuple[int, ...]) -> list[tuple[Core, tuple[str, ...]]]:
    """(core, indices of the state after it) along the path. The state starts with all input modes."""
    state, steps = network.inputs, []
    for position, k in enumerate(path):
        core = network.cores[k]
        later = {i for other in path[position + 1 :] for i in network.cores[other].indices}
        later |= {*network.outputs, *({*network.inputs} - {*core.indices})}
        state = tuple(i for i in dict.fromkeys((*state, *core.indices)) if i in later)
        steps.append((core, state))
    return steps


def _path(network: Network, last_first: bool) -> tuple[int, ...]:
    """Greedy: next the core that leaves the smallest state. `last_first` decides between equals."""
    left, path = list(range(len(network.cores))), []
    state = {*network.inputs}

    def after(k: int) -> set[str]:
        needed = {*network.outputs, *(i for other in left if other != k for i in network.cores[other].indices)}
        return (state | {*network.cores[k].indices}) & needed

    def score(k: int) -> tuple[bool, int, int]:
        volume = math.prod(network.sizes[i] for i in after(k))
        return not {*network.cores[k].indices} & state, volume, -k if last_first else k

    while left:
        k = min(left, key=score)
        state = after(k)
        left.remove(k)
        path.append(k)
    return tuple(path)
