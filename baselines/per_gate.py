"""A fully decomposed hierarchical Tucker matrix for each gate: [W U] of a gate as one map (H, D + H).

Weights: G times those of a hierarchical Tucker (H, D + H) matrix. The gate is one more index of every core.
"""

from typing import Any

from baselines._modes import Modes
from fdht.hierarchical import hierarchical_tucker
from fdht.mega import GATES
from fdht.network import Core, Network
from fdht.placement import Placement, place
from fdht.shapes import modes


def declare(
    input_size: int,
    hidden_size: int,
    input_modes: Modes,
    output_modes: Modes,
    ranks: Any,
    tree: Any = "balanced",
    cell: str = "lstm",
) -> tuple[Network, Placement]:
    """input_modes, output_modes, ranks, tree: as in `fully_decomposed`; the gates are not merged into a mode."""
    placement = place(input_size, hidden_size, input_modes)
    outputs = modes("output_modes", output_modes, hidden_size, "hidden_size")
    of_a_gate = hierarchical_tucker(placement.input_modes, outputs, ranks, tree)
    later = {f"m{k}": f"m{k + 1}" for k in range(1, len(outputs) + 1)}  # the first output mode is the gate
    G = GATES[cell]
    cores = [
        Core(core.name, ("gate", *(later.get(i, i) for i in core.indices)), (G, *core.shape))
        for core in of_a_gate.cores
    ]
    gates = Core("gates", ("gate", "m1"), (G, G), identity=True)
    return Network(placement.input_modes, (G, *outputs), (*cores, gates)), placement
