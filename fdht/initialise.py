"""Initialisation that gives the reconstructed weight a chosen standard deviation, whatever the ranks. Torch-free.

With independent zero-mean entries of variance v in each of K cores, an entry of W is a sum of T uncorrelated
products of K entries, T the product of all bond sizes. So Var(W) = T v^K exactly, and v = (std^2 / T)^(1/K).
"""

import math

from fdht.network import Network


def core_std(network: Network, std: float) -> float:
    """The standard deviation of all cores for which every entry of W has the standard deviation `std`."""
    return (std**2 / network.terms) ** (1 / (2 * len(network.cores)))


def matched_std(columns: int, gain: float = 1.0) -> float:
    """The std of W for which inputs of mean square 1 give pre-activations of standard deviation `gain`."""
    return gain / math.sqrt(columns)
