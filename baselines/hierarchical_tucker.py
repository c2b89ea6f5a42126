"""W in the hierarchical Tucker format, U dense: HT-LSTM (Yin et al., arXiv 2005.04366)."""

from typing import Any

from baselines._modes import Modes, paired
from fdht import hierarchical
from fdht.network import Network


def declare(
    input_size: int,
    hidden_size: int,
    input_modes: Modes,
    output_modes: Modes,
    ranks: Any = None,
    tree: Any = "balanced",
    leaf_rank: int | None = None,
    inner_rank: int | None = None,
    cell: str = "lstm",
) -> Network:
    """ranks and tree as in `fdht.HierarchicalTucker`."""
    n, m = paired(input_size, hidden_size, cell, input_modes, output_modes)
    return hierarchical.hierarchical_tucker(n, m, ranks, tree, leaf_rank=leaf_rank, inner_rank=inner_rank)
