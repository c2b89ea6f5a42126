"""W as a sum of Tucker blocks: per block a core (R, ..., R) and factors (n_k, m_k, R) (Ye et al., CVPR 2018,
arXiv 1712.05134).

Weights: blocks (sum_k n_k m_k R_k + prod_k R_k). The block is one more index of every core. U stays dense.
"""

from baselines._declaration import AuthorsStart, truncated_normal
from baselines._modes import Modes, Ranks, paired, rank_list
from fdht.network import Core, Network
from fdht.shapes import natural


def declare(
    input_size: int, hidden_size: int, input_modes: Modes, output_modes: Modes, ranks: Ranks, blocks: int, cell="lstm"
) -> Network:
    """ranks: the Tucker ranks R_1..R_d, or an int for all."""
    n, m = paired(input_size, hidden_size, cell, input_modes, output_modes)
    blocks, d = natural("blocks", blocks), len(n)
    tucker = rank_list(ranks, d, "one for each pair of modes")
    for k, rank in enumerate(tucker):
        if rank > n[k] * m[k]:
            raise ValueError(f"ranks: {rank} of modes {k + 1} is above {n[k] * m[k]}, the most that they allow")
    factors = [
        Core(f"factor{k}", ("block", f"n{k}", f"m{k}", f"r{k}"), (blocks, n[k - 1], m[k - 1], tucker[k - 1]))
        for k in range(1, d + 1)
    ]
    core = Core("core", ("block", *(f"r{k}" for k in range(1, d + 1))), (blocks, *tucker))
    return Network(n, m, (*factors, core))


def authors(network: Network) -> dict[str, AuthorsStart]:
    """The authors' script (chendi1995/Block-term-Tensor-Neural-Networks, Keras): truncated normal with std
    0.05 (5 - R) for the cores, which needs R < 5; orthogonal U; forget bias 1."""
    rank = network.sizes["r1"]
    return {"bt": AuthorsStart(truncated_normal(0.05 * (5 - rank)), forget_bias=1.0)} if rank < 5 else {}
