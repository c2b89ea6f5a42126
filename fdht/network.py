"""A weight matrix stored as a tensor network: small cores and the names of their indices. Torch-free.

A weight format is such a declaration. Indices n1..nd are the input modes, m1..me the output modes, any other name is
a bond. Cores may share an index, and all bonds are summed:
W[(m1 ... me), (n1 ... nd)] = sum over bonds of the product of the cores. Both sides are row-major.
"""

import math
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property

from fdht.shapes import naturals


@dataclass(frozen=True)
class Core:
    """A stored tensor: its name in the state dict, its index names and their sizes.

    identity: an identity matrix, which is neither stored nor trained. It turns a bond that several cores share into an
    output mode as well: each value of the mode then has its own slices of these cores. Raises ValueError for a core
    that cannot be stored.
    """

    name: str
    indices: tuple[str, ...]
    shape: tuple[int, ...]
    identity: bool = False

    def __post_init__(self) -> None:
        core = f"core {self.name!r}"
        if not isinstance(self.name, str) or not self.name.isidentifier() or hasattr(dict, self.name):
            raise ValueError(f"{core}: expected a name of letters, digits and _ that is no method of dict")
        if not isinstance(self.indices, (tuple, list)) or len({*self.indices}) != len(self.indices):
            raise ValueError(f"{core}: its indices are {self.indices!r}; expected a tuple of different names")
        object.__setattr__(self, "indices", tuple(self.indices))
        object.__setattr__(self, "shape", naturals(f"shape of {core}", self.shape))
        if len(self.shape) != len(self.indices) or (self.identity and self.shape != self.shape[:1] * 2):
            expected = "two equal sizes" if self.identity else "a size for each"
            raise ValueError(f"{core}: its indices {self.indices} have the shape {self.shape}; expected {expected}")


@dataclass(frozen=True)
class Network:
    """Cores of an (M, N) matrix, N = prod(input_modes), M = prod(output_modes).

    Raises ValueError unless every mode has a core, every bond at least two, and every index one size.
    """

    input_modes: tuple[int, ...]
    output_modes: tuple[int, ...]
    cores: tuple[Core, ...]

    def __post_init__(self) -> None:
        for name in ("input_modes", "output_modes"):
            object.__setattr__(self, name, naturals(name, getattr(self, name)))
        object.__setattr__(self, "cores", tuple(self.cores))
        modes = dict(zip(self.inputs + self.outputs, self.input_modes + self.output_modes, strict=True))
        if lost := [mode for mode in modes if mode not in self.sizes]:
            raise ValueError(f"no core has the index {lost[0]!r}; expected a core for each of {', '.join(modes)}")
        cores_with = Counter(index for core in self.cores for index in core.indices)
        for place, core in enumerate(self.cores):
            if core.name in (other.name for other in self.cores[:place]):
                raise ValueError(f"two cores are named {core.name!r}; expected a name for each")
            for index, size in zip(core.indices, core.shape, strict=True):
                where = f"core {core.name!r}: index {index!r}"
                if size != (expected := modes.get(index, self.sizes[index])):
                    raise ValueError(f"{where} has the size {size}; expected {expected}, as elsewhere")
                if index not in modes and (cores_with[index] == 1 or re.fullmatch(r"[nm]\d+", index)):
                    raise ValueError(f"{where} is neither a mode ({', '.join(modes)}) nor a bond of two cores")

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
    def bonds(self) -> dict[str, int]:
        """Size of every bond; in the hierarchical Tucker format, these are the ranks in the order of the nodes."""
        modes = {*self.inputs, *self.outputs}
        return {index: size for index, size in self.sizes.items() if index not in modes}

    @property
    def weights(self) -> int:
        """Numbers stored: all cores, the root of a hierarchical Tucker format included."""
        return sum(math.prod(core.shape) for core in self.stored)

    @property
    def stored(self) -> tuple[Core, ...]:
        """All cores but identity matrices."""
        return tuple(core for core in self.cores if not core.identity)

    def core_std(self, std: float) -> float:
        """The standard deviation of all cores for which every entry of W has the standard deviation `std`.

        With independent zero-mean entries of variance v in each of K stored cores, an entry of W is a sum of T
        uncorrelated products of K entries, T the product of all bond sizes (over an identity matrix a sum has one
        term). So Var(W) = T v^K exactly, and v = (std² / T)^(1/K).
        """
        terms = math.prod(self.bonds.values())
        terms //= math.prod(core.shape[0] for core in self.cores if core.identity)
        return (std**2 / terms) ** (1 / (2 * len(self.stored)))

    def with_input_modes(self, sizes: tuple[int, ...]) -> "Network":
        """The same network with input modes of other `sizes`."""
        new = dict(zip(self.inputs, sizes, strict=True))
        cores = tuple(
            replace(core, shape=tuple(new.get(i, n) for i, n in zip(core.indices, core.shape, strict=True)))
            for core in self.cores
        )
        return Network(tuple(sizes), self.output_modes, cores)
