"""The recurrent part of the pre-activations, U (G H, H) dense or in two halves, applied to states in columns.

States are (H, B), a sequence a column. So the gates of (G H, B) are contiguous, a product with a wide U and few
sequences takes half the time of that with states in rows, and both products of two halves are GEMMs on what lies
contiguous: h (n_P, n_Q, B), gates (m_P, m_Q, B).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from fdht import contract


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

    add: gates (G H, B) += U h, in place and (by `out`) in their precision, also under autocast; returns what lies
    between two products, None here.
    back: the gradient of the gates -> that of h, and that of what lies between.
    gradients: those of the tensors, from all T steps at once: h (T, H, B), what lay between and its gradients (lists
    of T), and the gradients of the gates, (T, G H, B).
    """

    def __init__(self, U: Tensor):
        self.U = U

    def add(self, gates: Tensor, h: Tensor) -> None:
        torch.addmm(gates, self.U, h, out=gates)

    def back(self, grad: Tensor) -> tuple[Tensor, None]:
        return self.U.mT @ grad, None

    def gradients(self, h: Tensor, inner: list, grad_inner: list, grad: Tensor) -> tuple[Tensor, ...]:
        return (_over_steps(grad, h),)


class QFirst:
    """The halves P (n_P, s, m_P) and Q (n_Q, s, m_Q) of a split, Q first; the same methods."""

    def __init__(self, first: Tensor, second: Tensor):
        (self.n_p, self.s, self.m_p), (self.n_q, _, self.m_q) = first.shape, second.shape
        self.P = first.reshape(self.n_p * self.s, self.m_p)
        self.Q = second.reshape(self.n_q, self.s * self.m_q)
        self.PT = self.P.mT.contiguous()

    def add(self, gates: Tensor, h: Tensor) -> Tensor:
        h = h.view(self.n_p, self.n_q, -1)
        inner = h.new_empty(self.n_p, self.s * self.m_q, h.shape[2])
        torch.bmm(self.Q.mT.expand(self.n_p, -1, -1), h, out=inner)
        inner, gates = inner.view(self.n_p * self.s, -1), gates.view(self.m_p, -1)
        torch.addmm(gates, self.PT, inner, out=gates)
        return inner

    def back(self, grad: Tensor) -> tuple[Tensor, Tensor]:
        inner = self.P @ grad.view(self.m_p, -1)
        h = torch.bmm(self.Q.expand(self.n_p, -1, -1), inner.view(self.n_p, self.s * self.m_q, -1))
        return h.view(self.n_p * self.n_q, -1), inner

    def gradients(self, h: Tensor, inner: list, grad_inner: list, grad: Tensor) -> tuple[Tensor, ...]:
        T = len(h)
        P = torch.bmm(torch.stack(inner), grad.view(T, self.m_p, -1).mT).sum(0)
        columns = torch.stack(grad_inner).view(T * self.n_p, self.s * self.m_q, -1)
        Q = torch.bmm(h.reshape(T * self.n_p, self.n_q, -1), columns.mT).sum(0)
        return P.view(self.n_p, self.s, self.m_p), Q.view(self.n_q, self.s, self.m_q)


class PFirst:
    """The halves, P first; the same methods."""

    def __init__(self, first: Tensor, second: Tensor):
        (self.n_p, self.s, self.m_p), (self.n_q, _, self.m_q) = first.shape, second.shape
        self.P = first.permute(2, 1, 0).reshape(self.m_p * self.s, self.n_p)
        self.Q = second.permute(2, 1, 0).reshape(self.m_q, self.s * self.n_q)

    def add(self, gates: Tensor, h: Tensor) -> Tensor:
        h = h.view(self.n_p, -1)
        inner = torch.mm(self.P, h, out=h.new_empty(self.m_p * self.s, h.shape[1]))
        inner = inner.view(self.m_p, self.s * self.n_q, -1)
        gates = gates.view(self.m_p, self.m_q, -1)
        torch.baddbmm(gates, self.Q.expand(self.m_p, -1, -1), inner, out=gates)
        return inner

    def back(self, grad: Tensor) -> tuple[Tensor, Tensor]:
        inner = torch.bmm(self.Q.mT.expand(self.m_p, -1, -1), grad.view(self.m_p, self.m_q, -1))
        inner = inner.view(self.m_p * self.s, -1)
        return (self.P.mT @ inner).view(self.n_p * self.n_q, -1), inner

    def gradients(self, h: Tensor, inner: list, grad_inner: list, grad: Tensor) -> tuple[Tensor, ...]:
        T = len(h)
        Q = _over_steps(grad.view(T * self.m_p, self.m_q, -1), torch.cat(inner))
        P = _over_steps(torch.stack(grad_inner), h.reshape(T, self.n_p, -1))
        return (
            P.view(self.m_p, self.s, self.n_p).permute(2, 1, 0),
            Q.view(self.m_q, self.s, self.n_q).permute(2, 1, 0),
        )


def _over_steps(a: Tensor, b: Tensor) -> Tensor:
    """The sum over the T steps of a_t b_tᵀ as one GEMM: a (T, M, B), b (T, N, B) -> (M, N)."""
    return a.transpose(0, 1).reshape(a.shape[1], -1) @ b.transpose(0, 1).reshape(b.shape[1], -1).mT
