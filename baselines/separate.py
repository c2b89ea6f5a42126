"""W and U each in a hierarchical Tucker format of its own: the alternative to FDHT's one map for both.

Weights: those of a hierarchical Tucker (G H, D) matrix and of a hierarchical Tucker (G H, H) matrix.
"""

from typing import Any

from baselines._modes import Modes, paired
from fdht.hierarchical import hierarchical_tucker
from fdht.network import Network


def declare(
    input_size: int,
    hidden_size: int,
    input_modes: Modes,
    output_modes: Modes,
    ranks: Any,
    state_ranks: Any = None,
    tree: Any = "balanced",
    cell: str = "lstm",
) -> tuple[Network, Network]:
    """ranks, tree: of W, as in `fdht.HierarchicalTucker`. state_ranks: of U, by default `ranks`; the input modes of U
    are `output_modes`."""
    n, m = paired(input_size, hidden_size, cell, input_modes, output_modes)
    W = hierarchical_tucker(n, m, ranks, tree)
    return W, hierarchical_tucker(output_modes, m, ranks if state_ranks is None else state_ranks, tree)
