"""Splits of a tensor network into two or three parts that are applied by a chain of GEMMs. Torch-free.

A cut (i, j) has the input modes n1..ni and the output modes m1..mj before it and the other modes after it. One cut
splits the cores into P and Q, a second cut splits P again. The README of this folder defines the symbols.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from fdht.network import Core, Network

Cut = tuple[int, int]
Group = tuple[Core, ...]


@dataclass(frozen=True)
class Part:
    """Cores that are merged into one tensor (n, k, w), with its indices in memory.

    n: the part's input modes. k: its bonds to later parts, which are summed when it is applied. w: what it hands to
    the part before it, its bonds to that part and its output modes.
    """

    cores: Group
    indices: tuple[str, ...]
    shape: tuple[int, int, int]


@dataclass(frozen=True)
class Split:
    """The parts of a network, P and Q, or P1, P2 and Q, applied from the last to the first.

    rank: s, the product of the bonds between P and Q. columns: m_Q, the output modes of Q.
    passing: bonds of Q that P2 leaves to P1.
    """

    network: Network
    cuts: tuple[Cut, ...]
    parts: tuple[Part, ...]
    rank: int
    columns: int
    passing: tuple[str, ...]

    def of(self, network: Network) -> "Split":
        """The same split of a network with the same cores in other sizes."""
        cores = {core.name: core for core in network.cores}
        groups = [tuple(cores[core.name] for core in part.cores) for part in self.parts]
        return _split(network, self.cuts, groups)


@lru_cache(maxsize=256)
def splits(network: Network) -> tuple[Split, ...]:
    """All splits: for each cut P and Q with the lowest rank, followed by all ways to cut that P again."""
    modes = itertools.product(range(len(network.input_modes) + 1), range(len(network.output_modes) + 1))
    halves = {cut: pair for cut in modes if (pair := _halves(network, cut))}
    found = []
    for cut, (first, second) in halves.items():
        found.append(_split(network, (cut,), (first, second)))
        for inner, (start, _) in halves.items():
            middle = tuple(core for core in first if core not in start)
            if {*start} < {*first} and _can_be_between(network, inner, middle, cut, first, start):
                found.append(_split(network, (inner, cut), (start, middle, second)))
    return tuple(found)


def _halves(network: Network, cut: Cut) -> tuple[Group, Group] | None:
    """The cores before and after a cut, or None if a core has modes on both sides or a side is empty.

    Cores without a mode (transfer tensors) may go to either side. All ways are tried while they are few, and the one
    with the lowest rank is taken; else all of them go to one side.
    """
    i, j = cut
    ahead = {*network.inputs[:i], *network.outputs[:j]}
    behind = {*network.inputs[i:], *network.outputs[j:]}
    sides = [("P" * bool(ahead & {*core.indices})) + ("Q" * bool(behind & {*core.indices})) for core in network.cores]
    if "PQ" in sides or not ahead or not behind:
        return None
    free = sides.count("")
    candidates = []
    for way in itertools.product("PQ", repeat=free) if free <= 6 else ("P" * free, "Q" * free):
        placed = iter(way)
        before = [(side or next(placed)) == "P" for side in sides]
        first = tuple(itertools.compress(network.cores, before))
        second = tuple(core for core in network.cores if core not in first)
        candidates.append((first, second))
    return min(candidates, key=lambda halves: _size(network, _bonds(*halves)))


def _can_be_between(network: Network, inner: Cut, middle: Group, cut: Cut, first: Group, start: Group) -> bool:
    """Whether `middle` can be a part of its own between two cuts.

    A bond of all three parts would have to be copied. Bonds that pass the middle stay in front of the output modes,
    which they can only if the middle has no output mode.
    """
    behind = tuple(core for core in network.cores if core not in first)
    used = {index for core in middle for index in core.indices}
    crossing = {*_bonds(first, behind)}
    after_start = tuple(core for core in network.cores if core not in start)
    of_all_three = used & crossing & {*_bonds(start, after_start)}
    return not of_all_three and not (crossing - used and inner[1] < cut[1])


def _split(network: Network, cuts: tuple[Cut, ...], groups: Sequence[Group]) -> Split:
    """The parts of the core groups between the cuts."""
    n, m = network.inputs, network.outputs
    bounds = [(0, 0), *cuts, (len(n), len(m))]
    inputs = [n[a:b] for (a, _), (b, _) in itertools.pairwise(bounds)]
    outputs = [m[a:b] for (_, a), (_, b) in itertools.pairwise(bounds)]
    *before, second = groups
    used = {index for core in before[-1] for index in core.indices}
    crossing = _bonds(tuple(core for core in network.cores if core not in second), second)
    ending = tuple(bond for bond in crossing if bond in used)
    passing = tuple(bond for bond in crossing if bond not in used)
    beginning = [_bonds(groups[0], groups[1])] if len(groups) == 3 else []
    summed = [*((*bonds, *passing) for bonds in beginning), ending, ()]
    handed = [(), *beginning, (*ending, *passing)]
    parts = []
    for cores, n_part, k, w, m_part in zip(groups, inputs, summed, handed, outputs, strict=True):
        shape = (_size(network, n_part), _size(network, k), _size(network, (*w, *m_part)))
        parts.append(Part(cores, (*n_part, *k, *w, *m_part), shape))
    return Split(network, cuts, tuple(parts), _size(network, crossing), _size(network, outputs[-1]), passing)


def _bonds(first: Group, second: Group) -> tuple[str, ...]:
    """Indices that both groups have, in the order of `first`."""
    behind = {index for core in second for index in core.indices}
    return tuple(dict.fromkeys(index for core in first for index in core.indices if index in behind))


def _size(network: Network, indices: Sequence[str]) -> int:
    return math.prod(network.sizes[index] for index in indices)
