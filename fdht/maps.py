"""Linear maps whose matrix is stored as a tensor network."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from fdht.arguments import autocast
from fdht.decompose import hierarchical_svd
from fdht.engine import contract
from fdht.engine.apply import Planner, apply, prepare
from fdht.hierarchical import hierarchical_tucker
from fdht.network import Network
from fdht.shapes import number


class TensorMap(nn.Module):
    """y = x Wᵀ (+ bias), with W (M, N) stored as the cores of `network`.

    forward: x (..., N) in the dtype of the cores, or uint8 -> (..., M): x @ dense().T + bias up to rounding. The engine
    picks a contraction plan from the shapes and the number of rows (see fdht/engine/README.md).
    """

    def __init__(
        self, network: Network, *, bias: bool = False, std: float | None = None, device: Any = None, dtype: Any = None
    ):
        super().__init__()
        if dtype is not None and not getattr(dtype, "is_floating_point", False):
            raise ValueError(f"dtype is {dtype!r}; expected a floating torch.dtype")
        self.network = network
        self._planner = Planner(network)
        self.cores = nn.ParameterDict()
        for core in network.stored:  # not from a dict, which ParameterDict would sort by name
            if hasattr(self.cores, core.name):
                raise ValueError(f"core {core.name!r}: expected a name that is no attribute of torch.nn.ParameterDict")
            self.cores[core.name] = nn.Parameter(torch.empty(core.shape, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.zeros(network.output_size, device=device, dtype=dtype)) if bias else None
        self.reset_parameters(std)

    def reset_parameters(self, std: float | None = None) -> None:
        """Draw Gaussian cores so that each entry of W has standard deviation `std` (None: 1/sqrt(N)); zero bias."""
        std = 1 / math.sqrt(self.network.input_size) if std is None else number("std", std, above=0)
        with torch.no_grad():
            for core in self.cores.values():
                core.normal_(0, self.network.core_std(std))
            if self.bias is not None:
                self.bias.zero_()

    @classmethod
    def from_cores(cls, network: Network, cores: Mapping[str, Tensor], bias: Tensor | None = None) -> Self:
        """A map with the given cores (and bias), in their dtype and on their device."""
        some = next(iter(cores.values()))
        layer = TensorMap.__new__(cls)
        TensorMap.__init__(layer, network, bias=bias is not None, device=some.device, dtype=some.dtype)
        layer.load_state_dict(
            {f"cores.{name}": core for name, core in cores.items()} | ({} if bias is None else {"bias": bias})
        )
        return layer

    @property
    def weight_parameters(self) -> int:
        """Number of weights stored for W, without the bias, as the literature counts."""
        return self.network.weights

    @property
    def like(self) -> Tensor:
        """One of the cores, which all have the same dtype and device."""
        return next(iter(self.cores.values()))

    def tensors(self) -> dict[str, Tensor]:
        """The cores by name, identity matrices included."""
        cores = dict(self.cores.items())
        for core in self.network.cores:
            if core.identity:
                cores[core.name] = torch.eye(core.shape[0], dtype=self.like.dtype, device=self.like.device)
        return cores

    def dense(self) -> Tensor:
        """The reconstructed W, (M, N)."""
        return contract.dense(self.network, self.tensors())

    def forward(self, x: Tensor) -> Tensor:
        N, M, dtype = self.network.input_size, self.network.output_size, self.like.dtype
        if not isinstance(x, Tensor):
            raise ValueError(f"x is a {type(x).__name__}; expected a tensor (..., {N})")
        if x.dim() < 1 or x.shape[-1] != N:
            raise ValueError(f"x has the shape {tuple(x.shape)}; expected (..., {N})")
        if x.dtype not in (dtype, torch.uint8) and not autocast(x):
            raise ValueError(f"x is {x.dtype}; expected {dtype}, the dtype of the cores, or torch.uint8")
        rows = x.reshape(-1, N)
        if not len(rows):  # of a row that is cut off again: part of the graph, as in torch.nn.Linear
            return self.forward(nn.functional.pad(rows, (0, 0, 0, 1)))[:0].view(*x.shape[:-1], M)
        y = apply(prepare(self._planner.plan(len(rows), rows), self.network, self.tensors(), self.bias), rows)
        return y.reshape(*x.shape[:-1], M)

    def extra_repr(self) -> str:
        n, m = self.network.input_modes, self.network.output_modes
        ranks = list(self.network.bonds.values())
        shown = f"{math.prod(n)} {n} -> {math.prod(m)} {m}, ranks={ranks}, weights={self.weight_parameters}"
        return shown if self.bias is None else f"{shown}, bias=True"


class HierarchicalTucker(TensorMap):
    """A linear map in the hierarchical Tucker format, see `fdht.hierarchical` for the cores and their count.

    input_modes n1..nd, output_modes m1..md: N and M are their products. ranks: an int, or a rank per node; or
    leaf_rank and inner_rank. tree: "balanced", "left", "right" or nested pairs such as [[1, 2], [3, [4, 5]]].
    options: bias, std, dtype, as for `TensorMap`.

    >>> import torch
    >>> layer = HierarchicalTucker([4, 5, 6], [2, 2, 2], ranks=2)
    >>> layer(torch.zeros(7, 120)).shape, layer.dense().shape, layer.weight_parameters
    (torch.Size([7, 8]), torch.Size([8, 120]), 72)
    """

    def __init__(
        self,
        input_modes: Sequence[int],
        output_modes: Sequence[int],
        ranks: Any = None,
        tree: Any = "balanced",
        *,
        leaf_rank: int | None = None,
        inner_rank: int | None = None,
        device: Any = None,
        **options: Any,
    ):
        modes = input_modes, output_modes
        network = hierarchical_tucker(*modes, ranks, tree, leaf_rank=leaf_rank, inner_rank=inner_rank)
        super().__init__(network, device=device, **options)

    @property
    def weight(self) -> Tensor:
        """`dense()`, by its name in torch.nn.Linear, for modules that read it themselves."""
        return self.dense()

    @property
    def in_features(self) -> int:
        return self.network.input_size

    @property
    def out_features(self) -> int:
        return self.network.output_size

    @classmethod
    def from_dense(cls, W: Tensor, *modes_and_ranks: Any, bias: Tensor | None = None, **ranks: Any) -> Self:
        """Return the map that `fdht.decompose.hierarchical_svd(W, *modes_and_ranks, **ranks)` finds for W (M, N)."""
        network, cores = hierarchical_svd(W, *modes_and_ranks, **ranks)
        return cls.from_cores(network, cores, bias)
