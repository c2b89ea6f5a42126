"""Cutting a tensor network in two halves, and the order in which to merge cores. Torch-free.

The first half P holds the input modes 1..i and the output modes 1..j, the second half Q the rest; they share the
bonds s. So P is (n_P, s, m_P), Q is (n_Q, s, m_Q), and a row x is a matrix (n_P, n_Q) without a copy:
y[m_P, m_Q] = sum over n_P, s of P[n_P, s, m_P] (sum over n_Q of x[n_P, n_Q] Q[n_Q, s, m_Q]).
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from fdht.network import Core, Network


@dataclass(frozen=True)
class Split:
    """A cut of a network: the cores of each half and the bonds they share."""

    network: Network
    first: tuple[Core, ...]
    second: tuple[Core, ...]
    inputs: int  # modes n1..ni are in the first half
    outputs: int  # modes m1..mj are in the first half
    bonds: tuple[str, ...] = field(init=False, compare=False)
    shape: tuple[int, int, int, int, int] = field(init=False, compare=False)  # n_P, m_P, s, n_Q, m_Q
    first_order: tuple[str, ...] = field(init=False, compare=False)  # of the merged P in memory: inputs, bonds, outputs
    second_order: tuple[str, ...] = field(init=False, compare=False)

    def __post_init__(self):
        network, i, j = self.network, self.inputs, self.outputs
        n, m = network.input_modes, network.output_modes
        behind = {index for core in self.second for index in core.indices}
        bonds = tuple(dict.fromkeys(index for core in self.first for index in core.indices if index in behind))
        rank = math.prod(network.sizes[bond] for bond in bonds)
        derived = {
            "bonds": bonds,
            "shape": (math.prod(n[:i]), math.prod(m[:j]), rank, math.prod(n[i:]), math.prod(m[j:])),
            "first_order": (*network.inputs[:i], *bonds, *network.outputs[:j]),
            "second_order": (*network.inputs[i:], *bonds, *network.outputs[j:]),
        }
        for name, value in derived.items():  # once, not as properties: compilers trace plain attributes only
            object.__setattr__(self, name, value)

    def of(self, network: Network) -> "Split":
        """The same cut of a network of the same cores in other sizes."""
        cores = {core.name: core for core in network.cores}
        halves = (tuple(cores[core.name] for core in half) for half in (self.first, self.second))
        return Split(network, *halves, self.inputs, self.outputs)

    @property
    def at(self) -> tuple[int, int]:
        """Where it cuts: the numbers of input and output modes in the first half."""
        return self.inputs, self.outputs

    @property
    def rank(self) -> int:
        """s: an upper bound of the rank of the matricised weight at this cut."""
        return self.shape[2]


@lru_cache(maxsize=256)
def splits(network: Network) -> tuple[Split, ...]:
    """All useful cuts: for every i and j at most one, the one with the lowest rank."""
    found = []
    for i, j in itertools.product(range(len(network.input_modes) + 1), range(len(network.output_modes) + 1)):
        split = _cut(network, i, j)
        if split is not None:
            found.append(split)
    return tuple(found)


def _cut(network: Network, i: int, j: int) -> Split | None:
    """The lowest-rank cut whose first half has n1..ni and m1..mj, or None where a core would have to be halved."""
    ahead = {*network.inputs[:i], *network.outputs[:j]}
    behind = {*network.inputs[i:], *network.outputs[j:]}
    if not ahead or not behind:
        return None
    sides: list[str] = []
    for core in network.cores:
        is_first, is_second = bool(ahead & {*core.indices}), bool(behind & {*core.indices})
        if is_first and is_second:
            return None
        sides.append("P" if is_first else "Q" if is_second else "?")
    free = [k for k, side in enumerate(sides) if side == "?"]
    # Cores without a mode (transfer tensors) may go to either half: all ways while they are few, else all to one.
    ways = itertools.product("PQ", repeat=len(free)) if len(free) <= 6 else ("P" * len(free), "Q" * len(free))
    candidates = []
    for way in ways:
        placed = dict(zip(free, way, strict=True))
        first = tuple(core for k, core in enumerate(network.cores) if placed.get(k, sides[k]) == "P")
        second = tuple(core for k, core in enumerate(network.cores) if placed.get(k, sides[k]) == "Q")
        if first and second:
            candidates.append(Split(network, first, second, i, j))
    return min(candidates, key=lambda split: (split.rank, split.shape[0] + split.shape[1]), default=None)


@dataclass(frozen=True)
class Between:
    """What a second cut, `inner`, leaves of the first half of a split: the cores between the two cuts.

    The state that comes from Q has the bonds s of the split. Some end between the cuts, others, `past`, behind both:
    they stay in the state, in front of the output modes, as columns (only where no output mode lies between, which
    would come in front of them). So with c the bonds that end between, b those that begin there and w = b m, the
    state goes from (n_1, n c, past m_Q) to (n_1, w, past m_Q), and then is contracted with `first`, (n_1, s_1, m_1),
    s_1 being b and past.
    """

    split: Split
    inner: Split
    cores: tuple[Core, ...] = field(init=False, compare=False)
    order: tuple[str, ...] = field(init=False, compare=False)  # of the merged part in memory: n, c, b, m
    shape: tuple[int, int, int] = field(init=False, compare=False)  # n, c, w
    first_order: tuple[str, ...] = field(init=False, compare=False)
    first_shape: tuple[int, int, int] = field(init=False, compare=False)  # n_1, s_1, m_1
    second_order: tuple[str, ...] = field(init=False, compare=False)
    past: tuple[str, ...] = field(init=False, compare=False)

    def of(self, network: Network) -> "Between":
        """The same cuts of a network of the same cores in other sizes."""
        return Between(self.split.of(network), self.inner.of(network))

    def __post_init__(self):
        split, inner, network = self.split, self.inner, self.split.network
        cores = tuple(core for core in split.first if core not in inner.first)
        used = {index for core in cores for index in core.indices}
        end = tuple(bond for bond in split.bonds if bond in used)
        past = tuple(bond for bond in split.bonds if bond not in used)
        begin = tuple(bond for bond in inner.bonds if bond in used)
        n, m = network.inputs, network.outputs
        here, gives = n[inner.inputs : split.inputs], (*begin, *m[inner.outputs : split.outputs])
        first = (n[: inner.inputs], (*begin, *past), m[: inner.outputs])

        def size(indices: tuple[str, ...]) -> int:
            return math.prod(network.sizes[index] for index in indices)

        derived = {
            "cores": cores,
            "order": (*here, *end, *gives),
            "shape": (size(here), size(end), size(gives)),
            "first_order": tuple(index for part in first for index in part),
            "first_shape": tuple(size(part) for part in first),
            "second_order": (*n[split.inputs :], *end, *past, *m[split.outputs :]),
            "past": past,
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    @property
    def first(self) -> tuple[Core, ...]:
        return self.inner.first


@lru_cache(maxsize=1024)
def between(split: Split) -> tuple[Between, ...]:
    """All ways to cut the first half of a split again."""
    found = []
    for inner in splits(split.network):
        cores = {*split.first} - {*inner.first}
        if not cores or not {*inner.first} < {*split.first}:
            continue
        used = {index for core in cores for index in core.indices}
        past = {bond for bond in split.bonds if bond not in used}
        through = used & {*split.bonds} & {*inner.bonds}  # an index of all three parts would have to be copied
        if not through and not (past and inner.outputs < split.outputs):
            found.append(Between(split, inner))
    return tuple(found)


Step = tuple[int, int, tuple[str, ...]]


def merge_order(parts: Sequence[tuple[str, ...]], keep: Sequence[str], sizes: dict[str, int]) -> tuple[Step, ...]:
    """Pairwise contraction of tensors with indices `parts` to one with the indices `keep`.

    Greedy: always the pair whose result grows least. Each step (a, b, indices) takes the operands a < b out of the
    list and appends their product. A single operand needs no step.
    """
    used = {index for part in parts for index in part}
    return _merge_order(tuple(parts), tuple(keep), tuple((i, n) for i, n in sizes.items() if i in used))


@lru_cache(maxsize=4096)
def _merge_order(parts: tuple, keep: tuple[str, ...], known_sizes: tuple) -> tuple[Step, ...]:
    sizes, operands, steps = dict(known_sizes), list(parts), []
    while len(operands) > 1:
        best = None
        for a, b in itertools.combinations(range(len(operands)), 2):
            others = {i for k, operand in enumerate(operands) if k not in (a, b) for i in operand} | {*keep}
            result = tuple(i for i in dict.fromkeys(operands[a] + operands[b]) if i in others)
            volume = math.prod(sizes[i] for i in result)
            growth = volume - sum(math.prod(sizes[i] for i in operands[k]) for k in (a, b))
            shared = bool({*operands[a]} & {*operands[b]})
            score = (not shared, growth, volume)
            if best is None or score < best[0]:
                best = (score, (a, b, result))
        a, b, result = best[1]
        if len(operands) == 2:
            result = tuple(keep)
        steps.append((a, b, result))
        operands = [operand for k, operand in enumerate(operands) if k not in (a, b)] + [result]
    return tuple(steps)
