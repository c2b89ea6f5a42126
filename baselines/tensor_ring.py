"""W as a tensor ring over separate input and output modes: cores (r, mode, r') in a circle, inputs then outputs
(Pan et al., AAAI 2019, arXiv 1811.07503).

Weights: sum over all modes of mode r r'. W has at most the matrix rank r_0 r_d, the two bonds between its input
half and its output half. U stays dense.
"""

import math

from baselines._declaration import AuthorsStart
from baselines._modes import Modes, Ranks, merged, rank_list
from fdht.network import Core, Network


def declare(
    input_size: int, hidden_size: int, input_modes: Modes, output_modes: Modes, ranks: Ranks, cell: str = "lstm"
) -> Network:
    """ranks: an int, or for every mode, inputs then outputs, the rank of the bond before it."""
    n, m = merged(input_size, hidden_size, cell, input_modes, output_modes)
    sizes = [*n, *m]
    count = len(sizes)
    ring = rank_list(ranks, count, "one before each input and output mode")
    most = math.isqrt(math.prod(sizes))  # the largest rank of any unfolding of the tensor to a matrix
    for k, rank in enumerate(ring):
        if rank > most:
            raise ValueError(f"ranks: {rank} before mode {k + 1} is above {most}, the most that the modes allow")
    names = [*(f"n{k + 1}" for k in range(len(n))), *(f"m{k + 1}" for k in range(len(m)))]
    cores = []
    for k, name in enumerate(names):
        after = (k + 1) % count
        cores.append(Core(f"core_{name}", (f"r{k}", name, f"r{after}"), (ring[k], sizes[k], ring[after])))
    return Network(n, m, tuple(cores))


def authors(network: Network) -> dict[str, AuthorsStart]:
    """tednet (by TR-LSTM's first author): every core from a normal distribution with std 0.5, cut at -2 and 2;
    orthogonal U; forget bias 0."""
    return {"tednet": AuthorsStart(W=("trunc_normal_", 0.0, 0.5))}
