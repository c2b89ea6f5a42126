"""The hierarchical Tucker format of a weight matrix: a leaf per pair of modes, a transfer tensor per inner node.

With modes n1..nd, m1..md and a binary tree over 1..d: leaf k is U_k (n_k, m_k, r_k); an inner node t with
children l and r has B_t (r_t, r_l, r_r); the root is a matrix (r_l, r_r), stored and counted. Torch-free.
Weights: sum_k n_k m_k r_k + sum_{inner t} r_t r_l r_r + r_l r_r of the root
(Yin et al., CVPR 2021, doi 10.1109/CVPR46437.2021.01191; counts as in arXiv 2005.04366).
"""

import math
from collections.abc import Sequence
from typing import Any

from fdht.network import Core, Network
from fdht.shapes import naturals, paired
from fdht.tree import Node, node_ranks, tree


def hierarchical_tucker(
    input_modes: Sequence[int],
    output_modes: Sequence[int],
    ranks: Any = None,
    tree_shape: Any = "balanced",
    *,
    leaf_rank: int | None = None,
    inner_rank: int | None = None,
) -> Network:
    """Declare the cores of a hierarchical Tucker (prod(output_modes), prod(input_modes)) matrix.

    ranks, leaf_rank, inner_rank: see `fdht.tree.node_ranks`; tree_shape: see `fdht.tree.tree`.
    Raises ValueError for unpaired modes, an impossible tree, and ranks below 1 or above the limit of the modes: the
    rank of a node is a matrix rank, at most the product of the mode pairs inside the node and of those outside.
    """
    input_modes, output_modes = naturals("input_modes", input_modes), naturals("output_modes", output_modes)
    paired(input_modes, output_modes)
    dimension_tree = tree(tree_shape, len(input_modes))
    rank = node_ranks(dimension_tree, ranks, leaf_rank, inner_rank)
    pairs = [n * m for n, m in zip(input_modes, output_modes, strict=True)]
    for node, value in rank.items():
        inside = math.prod(pairs[mode - 1] for mode in node)
        most = min(inside, math.prod(pairs) // inside)
        if value > most:
            raise ValueError(
                f"rank {value} of node {{{label(node)}}} is above {most}, the most that the modes allow:"
                f" input_modes {list(input_modes)}, output_modes {list(output_modes)}"
            )
    cores = []
    for k, (n, m) in enumerate(zip(input_modes, output_modes, strict=True), start=1):
        cores.append(Core(f"leaf{k}", (f"n{k}", f"m{k}", f"r{k}"), (n, m, rank[(k,)])))
    for node, children in dimension_tree.children.items():
        root = node == dimension_tree.root
        name, nodes = ("root", children) if root else (f"inner{label(node, '_')}", (node, *children))
        cores.append(Core(name, tuple(f"r{label(part)}" for part in nodes), tuple(rank[part] for part in nodes)))
    return Network(input_modes, output_modes, tuple(cores))


def label(node: Node, separator: str = ",") -> str:
    """The node's modes: '4,5'."""
    return separator.join(map(str, node))
