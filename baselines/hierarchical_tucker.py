"""W in the hierarchical Tucker format, U dense: HT-LSTM (Yin et al., arXiv 2005.04366)."""

from collections.abc import Sequence
from typing import Any

from baselines._declaration import Declaration, declaration
from baselines._modes import paired
from fdht import hierarchical


def declare(
    shared: dict[str, Any],
    input_modes: Sequence[int],
    output_modes: Sequence[int],
    ranks: Any = None,
    tree: Any = "balanced",
    leaf_rank: int | None = None,
    inner_rank: int | None = None,
) -> Declaration:
    """ranks and tree as in `fdht.HierarchicalTucker`."""
    n, m = paired(shared, input_modes, output_modes)
    network = hierarchical.hierarchical_tucker(n, m, ranks, tree, leaf_rank=leaf_rank, inner_rank=inner_rank)
    return declaration("hierarchical_tucker", shared, network)
