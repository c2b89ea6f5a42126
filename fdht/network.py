"""A weight matrix stored as a tensor network: small cores and the names of their indices. Torch-free.

A weight format is such a declaration. Indices n1..nd are the input modes, m1..me the output modes, any other name is
a bond. Cores may share an index, and all bonds are summed:
W[(m1 ... me), (n1 ... nd)] = sum over bonds of the product of the cores. Both sides are row-major.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property


@dataclass(frozen=True)
class Core:
    """A stored tensor: its name in the state dict, its index names and their sizes."""

    name: str
    indices: tuple[str, ...]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class Network:
    """Cores of a (M, N) matrix, N = prod(input_modes), M = prod(output_modes)."""

    input_modes: tuple[int, ...]
    output_modes: tuple[int, ...]
    cores: tuple[Core, ...]

    @property
    def input_size(self) -> int:
        return math.prod(self.input_modes)

    @property
    def output_size(self) -> int:
        return math.prod(self.output_modes)

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(f"n{k + 1}" for k in range(len(self.input_modes)))

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(f"m{k + 1}" for k in range(len(self.output_modes)))

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Size of every index."""
        return {i: n for core in self.cores for i, n in zip(core.indices, core.shape, strict=True)}

    @property
    def bonds(self) -> tuple[str, ...]:
        modes = {*self.inputs, *self.outputs}
        return tuple(index for index in self.sizes if index not in modes)

    @property
    def weights(self) -> int:
        """Numbers stored: all cores, the root of a hierarchical Tucker format included."""
        return sum(core.size for core in self.cores)

    @property
    def terms(self) -> int:
        """The number of products of core entries that are summed to an entry of W. The variance of W grows with it."""
        return math.prod(self.sizes[bond] for bond in self.bonds)

    def with_input_modes(self, sizes: tuple[int, ...]) -> "Network":
        """The same network with input modes of other `sizes`."""
        new = dict(zip(self.inputs, sizes, strict=True))
        cores = tuple(
            replace(core, shape=tuple(new.get(i, n) for i, n in zip(core.indices, core.shape, strict=True)))
            for core in self.cores
        )
        return Network(tuple(sizes), self.output_modes, cores)
