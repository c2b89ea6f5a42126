"""The uncompressed layer: W (G H, D) as one core, applied by the same engine as the other formats."""

from baselines._declaration import AuthorsStart, truncated_normal
from fdht.mega import GATES
from fdht.network import Core, Network


def declare(input_size: int, hidden_size: int, cell: str = "lstm") -> Network:
    rows = GATES[cell] * hidden_size
    return Network((input_size,), (rows,), (Core("weight", ("m1", "n1"), (rows, input_size)),))


def authors(network: Network) -> AuthorsStart:
    """The dense LSTM in BT-LSTM's experiments (chendi1995/Block-term-Tensor-Neural-Networks, Keras): truncated normal
    with std 0.1 for W; Keras's defaults elsewhere (orthogonal U, forget bias 1)."""
    return AuthorsStart(W=truncated_normal(0.1), forget_bias=1.0)
