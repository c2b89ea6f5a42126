"""The recurrent part of the pre-activations: h (B, H) -> h U (B, G H), U dense or as the two halves of a split."""

from dataclasses import dataclass

import torch
from torch import Tensor

from fdht import contract
from fdht.halves import Halves


@dataclass(frozen=True)
class Recurrence:
    """tensors: (U,) with U (H, G H), and q_first None; or (P, Q) of a split, and which of its products comes first.

    Called, it is differentiable; `products` has what a backward pass written by hand is made of.
    """

    tensors: tuple[Tensor, ...]
    q_first: bool | None = None

    def __call__(self, h: Tensor) -> Tensor:
        if self.q_first is None:
            return h @ self.tensors[0]
        return contract.apply_halves(*self.tensors, h, self.q_first)

    def products(self) -> "DenseProducts | SplitProducts":
        return DenseProducts(*self.tensors) if self.q_first is None else SplitProducts(*self.tensors, self.q_first)


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
