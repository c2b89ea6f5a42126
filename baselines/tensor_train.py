"""W as a tensor train: core k is (r_{k-1}, n_k, m_k, r_k), r_0 = r_d = 1 (Yang et al., ICML 2017, arXiv
1707.01786).

Weights: sum_k n_k m_k r_{k-1} r_k. U stays dense.
"""

import math

from baselines._declaration import AuthorsStart
from baselines._modes import Modes, Ranks, paired, rank_list
from fdht.network import Core, Network


def declare(
    input_size: int, hidden_size: int, input_modes: Modes, output_modes: Modes, ranks: Ranks, cell: str = "lstm"
) -> Network:
    """ranks: r_1..r_{d-1}, or an int for all of them."""
    return train(*paired(input_size, hidden_size, cell, input_modes, output_modes), ranks)


def train(n: tuple[int, ...], m: tuple[int, ...], ranks: Ranks) -> Network:
    """The tensor train of a (prod(m), prod(n)) matrix. Raises ValueError for ranks that the modes do not allow."""
    d = len(n)
    bonds = (1, *(rank_list(ranks, d - 1, "between neighbouring modes") if d > 1 else ()), 1)
    pairs = [a * b for a, b in zip(n, m, strict=True)]
    for k in range(1, d):
        most = min(math.prod(pairs[:k]), math.prod(pairs[k:]))
        if bonds[k] > most:
            raise ValueError(f"ranks: {bonds[k]} between modes {k} and {k + 1} is above {most}, the most they allow")
    cores = []
    for k in range(1, d + 1):
        sizes = {f"r{k - 1}": bonds[k - 1], f"n{k}": n[k - 1], f"m{k}": m[k - 1], f"r{k}": bonds[k]}
        kept = {i: size for i, size in sizes.items() if i not in ("r0", f"r{d}")}
        cores.append(Core(f"core{k}", tuple(kept), tuple(kept.values())))
    return Network(n, m, tuple(cores))


def authors(network: Network) -> dict[str, AuthorsStart]:
    """TT_RNN (Tuyki, Keras): Glorot's uniform distribution over all cores as one vector of P numbers, for which Keras
    takes sqrt(P) as fan in and fan out; orthogonal U; forget bias 1."""
    half_width = math.sqrt(3 / math.sqrt(network.weights))
    return {"tt": AuthorsStart(W=("uniform_", -half_width, half_width), forget_bias=1.0)}
