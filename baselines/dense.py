"""The uncompressed layer: W (G H, D) as one core, so that it runs through the same engine as the rest."""

from typing import Any

from baselines._declaration import AuthorsStart, Declaration, declaration
from fdht.mega import GATES
from fdht.network import Core, Network

# The dense LSTM of BT-LSTM's experiments (chendi1995/Block-term-Tensor-Neural-Networks, Keras): truncated normal
# with std 0.1 for W, Keras's defaults elsewhere (orthogonal U, forget bias 1).
AUTHORS = AuthorsStart(W=("truncated", 0.1), U=("orthogonal", 1.0), forget_bias=1.0)


def declare(shared: dict[str, Any]) -> Declaration:
    rows, D = GATES[shared["cell"]] * shared["hidden_size"], shared["input_size"]
    network = Network((D,), (rows,), (Core("weight", ("m1", "n1"), (rows, D)),))
    return declaration("dense", shared, network, AUTHORS)
