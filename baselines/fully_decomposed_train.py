"""W and U as one tensor train over [x ; h]: the fully decomposed tensor train.

Weights: sum_k n_k m_k r_{k-1} r_k, with the input modes of [x ; h].
"""

from baselines._modes import Modes, Ranks, integrated
from baselines.tensor_train import train
from fdht.mega import GATES
from fdht.network import Network
from fdht.placement import Placement


def declare(
    input_size: int, hidden_size: int, input_modes: Modes, output_modes: Modes, ranks: Ranks, cell: str = "lstm"
) -> tuple[Network, Placement]:
    """ranks: as in `tensor_train`; input_modes: room for x and h, as in `fully_decomposed`."""
    placement, outputs = integrated(input_size, hidden_size, GATES[cell], input_modes, output_modes)
    return train(placement.input_modes, outputs, ranks), placement
