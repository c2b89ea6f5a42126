"""Binary dimension trees over the modes 1..d. Torch-free.

A node is the tuple of the modes below it, in the order of its leaves. The root has all modes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fdht.shapes import natural

Node = tuple[int, ...]
SHAPES = ("balanced", "left", "right")


@dataclass(frozen=True)
class Tree:
    """A dimension tree: `children[node]` of every inner node, children before their parents, left before right."""

    children: dict[Node, tuple[Node, Node]]

    @property
    def root(self) -> Node:
        return next(reversed(self.children))

    @property
    def ranked(self) -> list[Node]:
        """All nodes with a rank, that is, without the root: the leaves by mode, then the inner nodes."""
        return [(mode,) for mode in range(1, len(self.root) + 1)] + list(self.children)[:-1]


def tree(shape: Any, order: int) -> Tree:
    """The dimension tree over `order` >= 2 modes.

    shape: "balanced" (halves, the left one smaller when odd: {1,2}|{3,{4,5}}), "left" ({{1,2},3}...), "right"
    (1,{2,{3...}}), or nested pairs of 1-based mode numbers such as [[1, 2], [3, [4, 5]]].
    Raises ValueError if the nesting is not binary, or misses or repeats a mode.
    """
    if order < 2:
        raise ValueError(f"tree over {order} mode(s); a dimension tree needs at least 2 modes")
    if isinstance(shape, str) and shape not in SHAPES:
        raise ValueError(f"tree is {shape!r}; expected {', '.join(SHAPES)} or nested pairs of mode numbers")
    nested = _nested(list(range(1, order + 1)), shape) if isinstance(shape, str) else shape
    children: dict[Node, tuple[Node, Node]] = {}

    def visit(part: Any) -> Node:
        if not isinstance(part, Sequence) or isinstance(part, (str, bytes)):
            return (natural("tree: a mode", part),)
        if len(part) != 2:
            raise ValueError(f"tree {shape!r} is not binary: {part!r} has {len(part)} branches; expected 2")
        left, right = visit(part[0]), visit(part[1])
        children[left + right] = (left, right)
        return left + right

    found = visit(nested)
    if sorted(found) != list(range(1, order + 1)):
        raise ValueError(f"tree {shape!r} has the modes {sorted(found)}; expected each of 1..{order} once")
    return Tree(children)


def node_ranks(tree: Tree, ranks: Any, leaf_rank: Any = None, inner_rank: Any = None) -> dict[Node, int]:
    """The rank of every node except the root, from one of

    - `leaf_rank` and `inner_rank` (default: `leaf_rank`);
    - `ranks`, an int for all nodes;
    - `ranks`, a list: leaves 1..d, then the inner nodes without the root, children before parents, left before right;
    """
    if ranks is None:
        if leaf_rank is None:
            missing = "ranks is missing" if inner_rank is None else f"inner_rank is {inner_rank!r} without leaf_rank"
            raise ValueError(f"{missing}; expected an integer, a rank per node, or leaf_rank and inner_rank")
        leaf = natural("leaf_rank", leaf_rank)
        inner = leaf if inner_rank is None else natural("inner_rank", inner_rank)
        return {node: leaf if len(node) == 1 else inner for node in tree.ranked}
    if (leaf_rank, inner_rank) != (None, None):
        raise ValueError(f"ranks is {ranks!r} and leaf_rank or inner_rank is given, too; expected only one of them")
    ranks = ranks.tolist() if hasattr(ranks, "tolist") else ranks  # arrays and tensors
    if isinstance(ranks, Sequence) and not isinstance(ranks, (str, bytes)):
        if len(ranks) != len(tree.ranked):
            nodes = ", ".join("".join(f"{{{','.join(map(str, node))}}}") for node in tree.ranked)
            raise ValueError(f"ranks {list(ranks)} has {len(ranks)} entries; expected {len(tree.ranked)}: {nodes}")
        return {node: natural(f"ranks[{k}]", ranks[k]) for k, node in enumerate(tree.ranked)}
    rank = natural("ranks", ranks)
    return dict.fromkeys(tree.ranked, rank)


def _nested(modes: list[int], shape: str) -> Any:
    if len(modes) == 1:
        return modes[0]
    cut = {"balanced": len(modes) // 2, "left": -1, "right": 1}[shape]
    return [_nested(modes[:cut], shape), _nested(modes[cut:], shape)]
