"""The recurrent part of the pre-activations, U (G H, H) dense or in parts, applied to states in columns.

States are (H, B), a sequence a column. So the gates of (G H, B) are contiguous, a product with a wide U and few
sequences takes half the time of that with states in rows, and all products of the parts are GEMMs on what lies
contiguous: h (n_P, n_Q, B), gates (m_P, m_Q, B).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fdht.engine import contract
from fdht.engine.sums import over_batch

BLOCKS = 8  # of U
Between = Sequence[Tensor]


@dataclass(frozen=True)
class Recurrence:
    """tensors: (U,), U (G H, H); or the parts of a split, see `fdht.engine.contract.parts`, and which half comes first.

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

    inner: room for what lies between the products, of so many steps, (T, ...) each; nothing here.
    add: gates (G H, B) += U h, in place and (by `out`) in their precision, also under autocast; fills the `inner` of
    its step.
    back: the gradient of the gates -> that of h; fills the gradients of the `inner` of its step.
    gradients: those of the tensors, from all T steps at once: h (T, H, B), what lay between and its gradients, and
    the gradients of the gates, (T, G H, B).

    On a CPU U is multiplied in blocks of rows, which takes three quarters of the time where it is wide; on a GPU each
    operation more costs a launch.
    """

    def __init__(self, U: Tensor):
        blocks = BLOCKS if U.device.type == "cpu" and U.shape[0] % BLOCKS == 0 else 1
        self.U = U.reshape(blocks, -1, U.shape[1])

    def inner(self, steps: int, sequences: int) -> Between:
        return ()

    def add(self, gates: Tensor, h: Tensor, inner: Between) -> None:
        gates = gates.view(len(self.U), -1, h.shape[1])
        torch.baddbmm(gates, self.U, h.expand(len(self.U), -1, -1), out=gates)

    def back(self, grad: Tensor, grad_inner: Between) -> Tensor:
        if len(self.U) == 1:
            return self.U[0].mT @ grad
        grad = grad.view(len(self.U), -1, grad.shape[1])
        return torch.bmm(grad.mT, self.U).sum(0).mT.contiguous()

    def gradients(self, h: Tensor, inner: Between, grad_inner: Between, grad: Tensor) -> tuple[Tensor, ...]:
        return (over_batch(grad, h),)


class QFirst:
    """Q (n_Q, s, m_Q) first, then P (n_P, s, m_P) or what it consists of, from the last part to the first; the same
    methods.

    A part (n, k, w) takes the state from (..., n k, columns) to (..., w, columns), Q from (n_P, n_Q, B) to
    (n_P, s m_Q, B); the sequences are among the columns.
    """

    def __init__(self, *parts: Tensor):
        self.shapes, self.leads = [part.shape for part in parts], contract.leads(parts)
        *before, second = parts
        self.parts = [*(part.flatten(0, 1) for part in before), second.flatten(1)]
        batched = [part.expand(lead, -1, -1) for part, lead in zip(self.parts, self.leads, strict=True)]
        self.later, (*self.earlier, self.Q) = [part.mT for part in batched[:0:-1]], batched
        self.first = self.parts[0].mT

    def inner(self, steps: int, sequences: int) -> Between:
        between: list[Tensor] = []
        elements = sequences * math.prod(n for n, _, _ in self.shapes)
        for part, lead in zip(self.parts[:0:-1], self.leads[:0:-1], strict=True):
            summed, w = part.shape
            elements = elements // summed * w
            between.insert(0, part.new_empty(steps, lead, w, elements // (lead * w)))
        return between

    def add(self, gates: Tensor, h: Tensor, inner: Between) -> None:
        state = h
        for part, out in zip(self.later, inner[::-1], strict=True):
            lead, _, summed = part.shape
            state = torch.bmm(part, state.view(lead, summed, -1), out=out)
        w, summed = self.first.shape
        gates = gates.view(w, -1)
        torch.addmm(gates, self.first, state.view(summed, -1), out=gates)

    def back(self, grad: Tensor, grad_inner: Between) -> Tensor:
        for part, of_state in zip(self.earlier, grad_inner, strict=True):
            lead, summed, w = part.shape
            torch.bmm(part, grad.view(lead, w, -1), out=of_state.view(lead, summed, -1))
            grad = of_state
        return torch.bmm(self.Q, grad).flatten(0, 1)

    def gradients(self, h: Tensor, inner: Between, grad_inner: Between, grad: Tensor) -> tuple[Tensor, ...]:
        sums = []
        for part, lead, before, after in zip(self.parts, self.leads, (*inner, h), (grad, *grad_inner), strict=True):
            batch, (summed, w) = len(h) * lead, part.shape
            sums.append(over_batch(before.reshape(batch, summed, -1), after.reshape(batch, w, -1)))
        return tuple(total.view(shape) for total, shape in zip(sums, self.shapes, strict=True))


class PFirst:
    """The halves, P first; the same methods."""

    def __init__(self, first: Tensor, second: Tensor):
        (self.n_p, self.s, self.m_p), (self.n_q, _, self.m_q) = first.shape, second.shape
        self.P = first.permute(2, 1, 0).reshape(self.m_p * self.s, self.n_p)
        self.Q = second.permute(2, 1, 0).reshape(self.m_q, self.s * self.n_q)

    def inner(self, steps: int, sequences: int) -> Between:
        return (self.P.new_empty(steps, self.m_p, self.s * self.n_q, sequences),)

    def add(self, gates: Tensor, h: Tensor, inner: Between) -> None:
        (inner,) = inner
        torch.mm(self.P, h.view(self.n_p, -1), out=inner.view(self.m_p * self.s, -1))
        gates = gates.view(self.m_p, self.m_q, -1)
        torch.baddbmm(gates, self.Q.expand(self.m_p, -1, -1), inner, out=gates)

    def back(self, grad: Tensor, grad_inner: Between) -> Tensor:
        (inner,) = grad_inner
        torch.bmm(self.Q.mT.expand(self.m_p, -1, -1), grad.view(self.m_p, self.m_q, -1), out=inner)
        return (self.P.mT @ inner.view(self.m_p * self.s, -1)).view(self.n_p * self.n_q, -1)

    def gradients(self, h: Tensor, inner: Between, grad_inner: Between, grad: Tensor) -> tuple[Tensor, ...]:
        T, (inner,), (grad_inner,) = len(h), inner, grad_inner
        Q = over_batch(grad.view(T * self.m_p, self.m_q, -1), inner.flatten(0, 1))
        P = over_batch(grad_inner.view(T, self.m_p * self.s, -1), h.reshape(T, self.n_p, -1))
        return (
            P.view(self.m_p, self.s, self.n_p).permute(2, 1, 0),
            Q.view(self.m_q, self.s, self.n_q).permute(2, 1, 0),
        )
