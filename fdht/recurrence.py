"""The recurrent part of the pre-activations, U (G H, H) dense or in two halves, applied to states in columns.

States are (H, B), a sequence a column. So the gates of (G H, B) are contiguous, a product with a wide U and few
sequences takes half the time of that with states in rows, and both products of two halves are GEMMs on what lies
contiguous: h (n_P, n_Q, B), gates (m_P, m_Q, B).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from fdht import contract
from fdht.sums import over_batch

BLOCKS = 8  # of U


@dataclass(frozen=True)
class Recurrence:
    """tensors: (U,), U (G H, H); or the halves P and Q of a split and which of their products comes first.

    Called with h (B, H), in rows, it is differentiable; `products` has what a backward pass written by hand is made
    of.
    """

    tensors: tuple[Tensor, ...]
    q_first: bool | None = None

    def __call__(self, h: Tensor) -> Tensor:
        if self.q_first is not None:
            return contract.apply_parts(self.tensors, h, self.q_first)
        return h @ self.tensors[0].mT

    def products(self) -> "DenseProducts | QFirst | PFirst":
        if self.q_first is None:
            return DenseProducts(*self.tensors)
        return (QFirst if self.q_first else PFirst)(*self.tensors)


class DenseProducts:
    """U (G H, H).

    inner: room for what lies between two products, of so many steps, (T, ...); nothing here.
    add: gates (G H, B) += U h, in place and (by `out`) in their precision, also under autocast; fills the `inner` of
    its step.
    back: the gradient of the gates -> that of h; fills the gradient of the `inner` of its step.
    gradients: those of the tensors, from all T steps at once: h (T, H, B), what lay between and its gradients, and
    the gradients of the gates, (T, G H, B).

    On a CPU U is multiplied in blocks of rows, which takes three quarters of the time where it is wide; on a GPU each
    operation more costs a launch.
    """

    def __init__(self, U: Tensor):
        blocks = BLOCKS if U.device.type == "cpu" and U.shape[0] % BLOCKS == 0 else 1
        self.U = U.reshape(blocks, -1, U.shape[1])

    def inner(self, steps: int, sequences: int) -> Tensor:
        return self.U.new_empty(steps, 0)

    def add(self, gates: Tensor, h: Tensor, inner: Tensor) -> None:
        gates = gates.view(len(self.U), -1, h.shape[1])
        torch.baddbmm(gates, self.U, h.expand(len(self.U), -1, -1), out=gates)

    def back(self, grad: Tensor, inner: Tensor) -> Tensor:
        if len(self.U) == 1:
            return self.U[0].mT @ grad
        grad = grad.view(len(self.U), -1, grad.shape[1])
        return torch.bmm(grad.mT, self.U).sum(0).mT.contiguous()

    def gradients(self, h: Tensor, inner: Tensor, grad_inner: Tensor, grad: Tensor) -> tuple[Tensor, ...]:
        return (over_batch(grad, h),)


class QFirst:
    """The halves P (n_P, s, m_P) and Q (n_Q, s, m_Q) of a split, Q first; the same methods."""

    def __init__(self, first: Tensor, second: Tensor):
        (self.n_p, self.s, self.m_p), (self.n_q, _, self.m_q) = first.shape, second.shape
        self.P = first.reshape(self.n_p * self.s, self.m_p)
        self.Q = second.reshape(self.n_q, self.s * self.m_q)

    def inner(self, steps: int, sequences: int) -> Tensor:
        return self.P.new_empty(steps, self.n_p, self.s * self.m_q, sequences)

    def add(self, gates: Tensor, h: Tensor, inner: Tensor) -> None:
        h = h.view(self.n_p, self.n_q, -1)
        torch.bmm(self.Q.mT.expand(self.n_p, -1, -1), h, out=inner)
        gates = gates.view(self.m_p, -1)
        torch.addmm(gates, self.P.mT, inner.view(self.n_p * self.s, -1), out=gates)

    def back(self, grad: Tensor, inner: Tensor) -> Tensor:
        torch.mm(self.P, grad.view(self.m_p, -1), out=inner.view(self.n_p * self.s, -1))
        return torch.bmm(self.Q.expand(self.n_p, -1, -1), inner).view(self.n_p * self.n_q, -1)

    def gradients(self, h: Tensor, inner: Tensor, grad_inner: Tensor, grad: Tensor) -> tuple[Tensor, ...]:
        T = len(h)
        P = over_batch(inner.view(T, self.n_p * self.s, -1), grad.view(T, self.m_p, -1))
        Q = over_batch(h.reshape(T * self.n_p, self.n_q, -1), grad_inner.flatten(0, 1))
        return P.view(self.n_p, self.s, self.m_p), Q.view(self.n_q, self.s, self.m_q)


class PFirst:
    """The halves, P first; the same methods."""

    def __init__(self, first: Tensor, second: Tensor):
        (self.n_p, self.s, self.m_p), (self.n_q, _, self.m_q) = first.shape, second.shape
        self.P = first.permute(2, 1, 0).reshape(self.m_p * self.s, self.n_p)
        self.Q = second.permute(2, 1, 0).reshape(self.m_q, self.s * self.n_q)

    def inner(self, steps: int, sequences: int) -> Tensor:
        return self.P.new_empty(steps, self.m_p, self.s * self.n_q, sequences)

    def add(self, gates: Tensor, h: Tensor, inner: Tensor) -> None:
        torch.mm(self.P, h.view(self.n_p, -1), out=inner.view(self.m_p * self.s, -1))
        gates = gates.view(self.m_p, self.m_q, -1)
        torch.baddbmm(gates, self.Q.expand(self.m_p, -1, -1), inner, out=gates)

    def back(self, grad: Tensor, inner: Tensor) -> Tensor:
        torch.bmm(self.Q.mT.expand(self.m_p, -1, -1), grad.view(self.m_p, self.m_q, -1), out=inner)
        return (self.P.mT @ inner.view(self.m_p * self.s, -1)).view(self.n_p * self.n_q, -1)

    def gradients(self, h: Tensor, inner: Tensor, grad_inner: Tensor, grad: Tensor) -> tuple[Tensor, ...]:
        T = len(h)
        Q = over_batch(grad.view(T * self.m_p, self.m_q, -1), inner.flatten(0, 1))
        P = over_batch(grad_inner.view(T, self.m_p * self.s, -1), h.reshape(T, self.n_p, -1))
        return (
            P.view(self.m_p, self.s, self.n_p).permute(2, 1, 0),
            Q.view(self.m_q, self.s, self.n_q).permute(2, 1, 0),
        )
