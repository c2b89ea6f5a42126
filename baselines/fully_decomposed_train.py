"""W and U as one tensor train over [x ; h]: the fully decomposed tensor train.

Weights: sum_k n_k m_k r_{k-1} r_k, with the input modes of [x ; h].
"""

from baselines._modes import Modes, Ranks
from baselines.tensor_train import train
from fdht.mega import layout
from fdht.network import Network
from fdht.placement import Placement
from fdht.shapes import naturals, paired


def declare(
    input_size: int, hidden_size: int, input_modes: Modes, output_modes: Modes, ranks: Ranks, cell: str = "lstm"
) -> tuple[Network, Placement]:
    """ranks: as in `tensor_train`; input_modes: room for x and h, as in `fully_decomposed`."""
    n, m = naturals("input_modes", input_modes), naturals("output_modes", output_modes)
    placement, outputs = layout(input_size, hidden_size, n, m, cell)
    paired(n, m)
    return train(placement.input_modes, outputs, ranks), placement
