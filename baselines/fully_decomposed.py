"""FDHT: all weights, W and U of every gate, in one hierarchical Tucker matrix (Yin et al., CVPR 2021)."""

from collections.abc import Sequence
from typing import Any

from baselines._declaration import Declaration, declaration
from fdht import mega


def declare(
    shared: dict[str, Any],
    input_modes: Sequence[int],
    output_modes: Sequence[int],
    ranks: Any = None,
    tree: Any = "balanced",
    leaf_rank: int | None = None,
    inner_rank: int | None = None,
) -> Declaration:
    """input_modes hold D + H, see `fdht.placement`; ranks and tree as in `fdht.HierarchicalTucker`."""
    network, placement = mega.fully_decomposed(
        shared["input_size"],
        shared["hidden_size"],
        input_modes,
        output_modes,
        ranks,
        tree,
        cell=shared["cell"],
        leaf_rank=leaf_rank,
        inner_rank=inner_rank,
    )
    return declaration("fully_decomposed", shared, network, placement=placement)
