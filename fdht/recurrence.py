"""The recurrent part of the pre-activations: h (B, H) -> h U (B, G H), U dense or in two factors."""

from dataclasses import dataclass

import torch
from torch import Tensor

from fdht import contract
from fdht.halves import Halves


@dataclass(frozen=True)
class Recurrence:
    """tensors: (U,), U (H, G H); or the halves P and Q of a split and which of their products comes first; or, with
    `q_first` None, (Q, P) with Q (n_Q, r) and P (n_P r, G H): every row of h as (n_P, n_Q) times Q, then times P.

    Called, it is differentiable; `products` has what a backward pass written by hand is made of.
    """

    tensors: tuple[Tensor, ...]
    q_first: bool | None = None

    def __call__(self, h: Tensor) -> Tensor:
        if self.q_first is not None:
            return contract.apply_halves(*self.tensors, h, self.q_first)
        *narrow, last = self.tensors
        for Q in narrow:
            h = (h.reshape(-1, Q.shape[0]) @ Q).view(len(h), -1)
        return h @ last

    def products(self) -> "DenseProducts | FactoredProducts | SplitProducts":
        if self.q_first is not None:
            return SplitProducts(*self.tensors, self.q_first)
        return DenseProducts(*self.tensors) if len(self.tensors) == 1 else FactoredProducts(*self.tensors)


class DenseProducts:
    """U (H, G H)."""

    def __init__(self, U: Tensor):
        self.U = U

    def add(self, pre: Tensor, h: Tensor, out: Tensor) -> Tensor:
        """out = pre + h U."""
        return torch.addmm(pre, h, self.U, out=out)

    def back(self, grad: Tensor) -> Tensor:
        """The gradient of h from that of h U."""
        return grad @ self.U.mT

    def gradients(self, h: Tensor, grad: Tensor) -> tuple[Tensor, ...]:
        """The gradients of the tensors, from h (rows, H) and grad (rows, G H) of all steps at once."""
        return (h.mT @ grad,)


class FactoredProducts:
    """Q (n_Q, r) and P (n_P r, G H); the same methods."""

    def __init__(self, Q: Tensor, P: Tensor):
        self.Q, self.P = Q, P

    def _narrow(self, h: Tensor) -> Tensor:
        return (h.reshape(-1, self.Q.shape[0]) @ self.Q).view(len(h), -1)

    def _wide(self, grad: Tensor) -> Tensor:
        return (grad @ self.P.mT).view(-1, self.Q.shape[1])

    def add(self, pre: Tensor, h: Tensor, out: Tensor) -> Tensor:
        return torch.addmm(pre, self._narrow(h), self.P, out=out)

    def back(self, grad: Tensor) -> Tensor:
        return (self._wide(grad) @ self.Q.mT).view(len(grad), -1)

    def gradients(self, h: Tensor, grad: Tensor) -> tuple[Tensor, ...]:
        return h.reshape(-1, self.Q.shape[0]).mT @ self._wide(grad), self._narrow(h).mT @ grad


class SplitProducts:
    """The halves of a split; the same methods."""

    def __init__(self, first: Tensor, second: Tensor, q_first: bool):
        self.halves = Halves(first, second, q_first)

    def add(self, pre: Tensor, h: Tensor, out: Tensor) -> Tensor:
        halves = self.halves
        halves.expand(halves.project(h, halves.inner(len(h))), out)
        return out.add_(pre)

    def back(self, grad: Tensor) -> Tensor:
        return self.halves.back_to_x(self.halves.back(grad))

    def gradients(self, h: Tensor, grad: Tensor) -> tuple[Tensor, ...]:
        halves = self.halves
        sum_one, sum_two = halves.sums()
        halves.add_to_two(sum_two, halves.project(h, halves.inner(len(h))), grad)
        halves.add_to_one(sum_one, h, halves.back(grad))
        return halves.unpack(sum_one, sum_two)
