"""The uncompressed layer: W (G H, D) as one core, applied by the same engine as the other formats."""

import math

from baselines._declaration import AuthorsStart, truncated_normal
from fdht.mega import GATES
from fdht.network import Core, Network


def declare(input_size: int, hidden_size: int, cell: str = "lstm") -> Network:
    rows = GATES[cell] * hidden_size
    return Network((input_size,), (rows,), (Core("weight", ("m1", "n1"), (rows, input_size)),))


def authors(network: Network) -> dict[str, AuthorsStart]:
    """The dense LSTMs that the tensor models were compared with; U is orthogonal in all.

    bt: truncated normal with std 0.1; tt: Keras's default, Glorot's uniform distribution; both with forget bias 1.
    tednet: normal with std 0.3, cut at -2 and 2; forget bias 0.
    """
    half_width = math.sqrt(6 / (network.input_size + network.output_size))
    return {
        "bt": AuthorsStart(truncated_normal(0.1), forget_bias=1.0),
        "tt": AuthorsStart(W=("uniform_", -half_width, half_width), forget_bias=1.0),
        "tednet": AuthorsStart(W=("trunc_normal_", 0.0, 0.3)),
    }
