"""Hierarchical SVD of a dense matrix, with given ranks or to a given accuracy.

W (M, N) is a tensor of order d whose k-th mode is the pair (n_k, m_k). With given ranks the error is at most
sqrt(2d - 3) times that of the best approximation with these ranks (Grasedyck, SIAM J. Matrix Anal. 31(4), 2010). With
a given accuracy e it is at most e |W|. Frobenius norms.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from fdht.hierarchical import hierarchical_tucker
from fdht.network import Network
from fdht.shapes import modes, number
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

    Either ranks (see `fdht.tree.node_ranks`) or accuracy, the allowed relative error, is given. The basis of a node
    holds the leading left singular vectors of W's matricisation (inside the node, outside of it).
    """
    tensor, n, m = _tensorise(W, input_modes, output_modes)
    shape_of = tree(tree_shape, len(n))
    given = "" if (ranks, leaf_rank, inner_rank) != (None, None, None) else "not "
    if (given == "") == (accuracy is not None):
        raise ValueError(f"accuracy is {accuracy!r} and ranks are {given}given; expected one of them")
    wanted: dict[Node, int] = {}
    tail = None
    if accuracy is None:
        wanted = node_ranks(shape_of, ranks, leaf_rank, inner_rank)
        hierarchical_tucker(n, m, list(wanted.values()), tree_shape)  # raises for impossible ranks before any work
    else:  # the squared error is shared by the 2 d - 3 truncations
        tail = (number("accuracy", accuracy, above=0) * tensor.norm()) ** 2 / max(1, 2 * len(n) - 3)
    bases: dict[Node, Tensor] = {}
    for node in shape_of.ranked:
        axes = [mode - 1 for mode in node]
        outside = [k for k in range(len(n)) if k not in axes]
        rows = math.prod(tensor.shape[k] for k in axes)
        matrix = tensor.permute(*axes, *outside).reshape(rows, -1)
        bases[node] = _leading(matrix, wanted.get(node), tail)
    network = hierarchical_tucker(n, m, [bases[node].shape[1] for node in shape_of.ranked], tree_shape)
    cores = [bases[(k + 1,)].reshape(n[k], m[k], -1) for k in range(len(n))]
    bases[shape_of.root] = tensor.permute([mode - 1 for mode in shape_of.root]).reshape(-1, 1)
    for node, children in shape_of.children.items():
        left, right = (bases[child] for child in children)
        inside = bases[node].mT.reshape(-1, left.shape[0], right.shape[0])
        cores.append(left.mT @ inside @ right)
    cores[-1] = cores[-1].squeeze(0)
    return network, {core.name: value.to(W.dtype) for core, value in zip(network.cores, cores, strict=True)}


def _tensorise(W: Tensor, input_modes: Any, output_modes: Any) -> tuple[Tensor, tuple[int, ...], tuple[int, ...]]:
    """W (M, N) in float64 as a tensor (n_1 m_1, ..., n_d m_d)."""
    if W.dim() != 2 or not W.is_floating_point():
        raise ValueError(f"W has the shape {tuple(W.shape)} and is {W.dtype}; expected a floating (M, N) matrix")
    n, m = modes("input_modes", input_modes, W.shape[1], "N"), modes("output_modes", output_modes, W.shape[0], "M")
    d = len(n)
    if len(m) != d:
        raise ValueError(f"output_modes {list(m)} are {len(m)} modes; expected {d}, as input_modes {list(n)}")
    pairs = [axis for k in range(d) for axis in (d + k, k)]
    tensor = W.detach().double().reshape(*m, *n).permute(pairs)
    return tensor.reshape([n[k] * m[k] for k in range(d)]), n, m


def _leading(matrix: Tensor, rank: int | None, tail: Tensor | None) -> Tensor:
    """Leading left singular vectors: `rank` of them, or as few as leave a squared error of at most `tail`."""
    rows, columns = matrix.shape
    if matrix.numel() <= LARGEST_SVD:
        vectors, values, _ = torch.linalg.svd(matrix, full_matrices=False)
        squares = values.square()
    else:
        gram = matrix @ matrix.mT if rows <= columns else matrix.mT @ matrix
        squares, vectors = (part.flip(-1) for part in torch.linalg.eigh(gram))
        squares = squares.clamp_min(0)
        if rows > columns:
            vectors = torch.linalg.qr(matrix @ vectors[:, : rank or columns]).Q
    if rank is None:
        left = squares.flip(0).cumsum(0).flip(0)  # left[r]: squared error with r vectors
        rank = max(1, int((left > tail).sum()))
    return vectors[:, :rank]
