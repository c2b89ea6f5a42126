"""The second product of a split for all rows together, with a sequence a column.

inner (n_P s, m_Q B) of a step, its columns being those of Q for each of the B sequences, gives
y (m_P, m_Q B) = Pᵀ inner, which is (M, B): the layout that the recurrence wants, see `fdht.recurrence`. So only the
small inner result is reordered, and y neither here nor there.
"""

import torch
from torch import Tensor

from fdht.halves import Halves


def gather(halves: Halves, product: Tensor, steps: int) -> Tensor:
    """What `Halves.project` gave for all rows (B T n_P, s m_Q), T = steps -> inner (T, n_P s, m_Q B)."""
    inner = product.view(-1, steps, halves.n_p * halves.s, halves.m_q).permute(1, 2, 3, 0)
    return inner.reshape(steps, halves.n_p * halves.s, -1)


def scatter(halves: Halves, inner: Tensor) -> Tensor:
    """The reverse of `gather`."""
    steps, K, _ = inner.shape
    return inner.view(steps, K, halves.m_q, -1).permute(3, 0, 1, 2).reshape(-1, halves.s * halves.m_q)


def expand(halves: Halves, inner: Tensor) -> Tensor:
    """inner -> y (B, T, m_P m_Q), in memory (T, m_P m_Q, B).

    It is no view of another tensor: autograd lets nobody change a view that comes from a `Function`.
    """
    steps, M, B = len(inner), halves.m_p * halves.m_q, inner.shape[2] // halves.m_q
    y = torch.empty_strided((B, steps, M), (1, M * B, B), dtype=inner.dtype, device=inner.device)
    out = y.permute(1, 2, 0).view(steps, halves.m_p, -1)
    torch.bmm(halves.two.mT.expand(steps, -1, -1), inner, out=out)
    return y


def back(halves: Halves, inner: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of the product of `project` and of `two` from that of y, (B, T, m_P m_Q)."""
    steps = len(inner)
    grad = grad.permute(1, 2, 0).reshape(steps, halves.m_p, -1)
    of_two = torch.bmm(inner, grad.mT).sum(0)
    return scatter(halves, torch.bmm(halves.two.expand(steps, -1, -1), grad)), of_two
