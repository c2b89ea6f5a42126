"""Decomposition of a dense matrix: hierarchical SVD and TT-SVD, with given ranks or to a given accuracy.

Both treat W (M, N) as a tensor of order d whose k-th mode is the pair (n_k, m_k). With given ranks the error
is at most c times that of the best approximation with these ranks: c = sqrt(2d - 3) for hierarchical Tucker
(Grasedyck, SIAM J. Matrix Anal. 31(4), 2010) and sqrt(d - 1) for the tensor train (Oseledets, SIAM J. Sci. Comput.
33(5), 2011). With a given accuracy e it is at most e |W|. Frobenius norms throughout.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from fdht.hierarchical import hierarchical_tucker
from fdht.network import Network
from fdht.shapes import modes, number, paired
from fdht.tree import Node, node_ranks, tree

LARGEST_SVD = 4_000_000  # entries; beyond it singular vectors come from the Gram matrix of the smaller side


def hierarchical_svd(
    W: Tensor,
    input_modes: Sequence[int],
    output_modes: Sequence[int],
    ranks: Any = None,
    tree_shape: Any = "balanced",
    *,
    leaf_rank: int | None = None,
    inner_rank: int | None = None,
    accuracy: float | None = None,
) -> tuple[Network, dict[str, Tensor]]:
    """W (M, N) in the hierarchical Tucker format: its declaration and its cores, in the dtype of W.

    Give either ranks (see `fdht.tree.node_ranks`) or accuracy, the allowed relative error. The basis of a node
    holds the leading left singular vectors of W's matricisation (inside the node, outside of it). Of a W with more than
    4 million entries, squares are decomposed: an accuracy below 1e-6 is kept, but with far higher ranks than needed.
    """
    tensor, n, m = _tensorise(W, input_modes, output_modes)
    shape_of = tree(tree_shape, len(n))
    share = _share(any(given is not None for given in (ranks, leaf_rank, inner_rank)), accuracy, tensor, 2 * len(n) - 3)
    wanted: dict[Node, int] = {}
    if share is None:
        wanted = node_ranks(shape_of, ranks, leaf_rank, inner_rank)
        hierarchical_tucker(n, m, list(wanted.values()), tree_shape)  # raises for impossible ranks before any work
    bases: dict[Node, Tensor] = {}
    for node in shape_of.ranked:
        bases[node] = _leading(_matricised(tensor, node), wanted.get(node), share)
    network = hierarchical_tucker(n, m, [bases[node].shape[1] for node in shape_of.ranked], tree_shape)
    cores = [bases[(k + 1,)].reshape(n[k], m[k], -1) for k in range(len(n))]
    bases[shape_of.root] = tensor.permute([mode - 1 for mode in shape_of.root]).reshape(-1, 1)
    for node, children in shape_of.children.items():
        left, right = (bases[child] for child in children)
        inside = bases[node].mT.reshape(-1, left.shape[0], right.shape[0])
        cores.append(left.mT @ inside @ right)
    cores[-1] = cores[-1].squeeze(0)
    return network, {core.name: value.to(W.dtype) for core, value in zip(network.cores, cores, strict=True)}


def spectra(W: Tensor, input_modes: Sequence[int], output_modes: Sequence[int]) -> list[Tensor]:
    """The squared singular values, largest first, of W's matricisation at each ranked node of the balanced tree."""
    tensor, n, _ = _tensorise(W, input_modes, output_modes)
    return [_squares(_matricised(tensor, node)) for node in tree("balanced", len(n)).ranked]


def ranks_for(accuracy: float, squares: Sequence[Tensor]) -> list[int]:
    """The ranks with which `hierarchical_svd` has at most the relative error `accuracy`. squares: `spectra` of W."""
    tail = accuracy**2 * squares[0].sum() / max(1, len(squares) - 1)
    return [_fewest(of_node, tail) for of_node in squares]


def tt_svd(
    W: Tensor,
    input_modes: Sequence[int],
    output_modes: Sequence[int],
    ranks: int | Sequence[int] | None = None,
    *,
    accuracy: float | None = None,
) -> list[Tensor]:
    """W (M, N) as tensor-train cores (r_{k-1}, n_k, m_k, r_k) with r_0 = r_d = 1, in the dtype of W.

    ranks: r_1..r_{d-1} or an int for all of them, reduced to what the modes allow. Or accuracy: the relative error.
    """
    tensor, n, m = _tensorise(W, input_modes, output_modes)
    d = len(n)
    share = _share(ranks is not None, accuracy, tensor, d - 1)
    wanted = list(ranks) if isinstance(ranks, Sequence) else [ranks] * (d - 1)
    if len(wanted) != d - 1 or any(rank is not None and rank < 1 for rank in wanted):
        raise ValueError(f"ranks is {ranks!r}; expected {d - 1} integers of at least 1, one between neighbouring modes")
    cores, rest, rank = [], tensor, 1
    for k in range(d - 1):
        matrix = rest.reshape(rank * n[k] * m[k], -1)
        basis = _leading(matrix, None if wanted[k] is None else min(wanted[k], *matrix.shape), share)
        cores.append(basis.reshape(rank, n[k], m[k], -1))
        rest, rank = basis.mT @ matrix, basis.shape[1]
    cores.append(rest.reshape(rank, n[-1], m[-1], 1))
    return [core.to(W.dtype) for core in cores]


def _tensorise(W: Tensor, input_modes: Any, output_modes: Any) -> tuple[Tensor, tuple[int, ...], tuple[int, ...]]:
    """W (M, N) in float64 as a tensor (n_1 m_1, ..., n_d m_d)."""
    if W.dim() != 2 or not W.is_floating_point():
        raise ValueError(f"W has the shape {tuple(W.shape)} and is {W.dtype}; expected a floating (M, N) matrix")
    n, m = modes("input_modes", input_modes, W.shape[1], "N"), modes("output_modes", output_modes, W.shape[0], "M")
    paired(n, m)
    d = len(n)
    pairs = [axis for k in range(d) for axis in (d + k, k)]
    tensor = W.detach().double().reshape(*m, *n).permute(pairs)
    return tensor.reshape([n[k] * m[k] for k in range(d)]), n, m


def _share(ranks_given: bool, accuracy: float | None, tensor: Tensor, steps: int) -> Tensor | None:
    """The squared error that each of `steps` truncations may make; None if ranks are given in place of `accuracy`."""
    if ranks_given == (accuracy is not None):
        given = "" if ranks_given else "not "
        raise ValueError(f"accuracy is {accuracy!r} and ranks are {given}given; expected one of them")
    return None if ranks_given else (number("accuracy", accuracy, above=0) * tensor.norm()) ** 2 / max(1, steps)


def _matricised(tensor: Tensor, node: Node) -> Tensor:
    """The modes of the node as rows, the others as columns."""
    axes = [mode - 1 for mode in node]
    outside = [k for k in range(tensor.dim()) if k not in axes]
    return tensor.permute(*axes, *outside).reshape(math.prod(tensor.shape[k] for k in axes), -1)


def _leading(matrix: Tensor, rank: int | None, tail: Tensor | None) -> Tensor:
    """Leading left singular vectors: `rank` of them, or as few as leave a squared error of at most `tail`."""
    rows, columns = matrix.shape
    if matrix.numel() <= LARGEST_SVD:
        vectors, values, _ = torch.linalg.svd(matrix, full_matrices=False)
        squares = values.square()
    else:
        squares, vectors = (part.flip(-1) for part in torch.linalg.eigh(_gram(matrix)))
        squares = squares.clamp_min(0)
        if rows > columns:
            vectors = torch.linalg.qr(matrix @ vectors[:, :rank]).Q
    return vectors[:, : _fewest(squares, tail) if tail is not None else rank]


def _squares(matrix: Tensor) -> Tensor:
    """Squared singular values, largest first."""
    if matrix.numel() <= LARGEST_SVD:
        return torch.linalg.svdvals(matrix).square()
    return torch.linalg.eigvalsh(_gram(matrix)).flip(0).clamp_min(0)


def _gram(matrix: Tensor) -> Tensor:
    """The Gram matrix of the smaller side."""
    return matrix @ matrix.mT if matrix.shape[0] <= matrix.shape[1] else matrix.mT @ matrix


def _fewest(squares: Tensor, tail: Tensor) -> int:
    """How many leading singular vectors leave a squared error of at most `tail`."""
    left = squares.flip(0).cumsum(0).flip(0)  # left[r]: squared error with r vectors
    return max(1, int((left > tail).sum()))
