"""The products of a split, in place: x -> inner -> y, and their gradients. See `fdht.contract.apply_halves`."""

from functools import cached_property

import torch
from torch import Tensor

from fdht import digits

THIN = 16  # columns


class Halves:
    """P (n_P, s, m_P) and Q (n_Q, s, m_Q) as the matrices `one` and `two` of two products.

    rows of x (rows, n_P n_Q) -> `project` by one -> inner -> `expand` by two -> y (rows, m_P m_Q).
    x may be uint8 where `takes_bytes`; else it has the dtype of the halves.

    Where m_Q is `thin`, a second product for each row would be too. Then `project` leaves its result as it is,
    (rows n_P, s m_Q), and `fdht.columns` does the rest for all rows together.
    """

    def __init__(self, first: Tensor, second: Tensor, q_first: bool):
        (self.n_p, self.s, self.m_p), (self.n_q, _, self.m_q) = first.shape, second.shape
        self.q_first = q_first
        self.thin = q_first and self.m_q < THIN // 2
        if q_first:
            self.one = second.reshape(self.n_q, self.s * self.m_q)
            self.two = first.reshape(self.n_p * self.s, self.m_p)
        else:
            self.one = first.permute(2, 1, 0).reshape(self.m_p * self.s, self.n_p)
            self.two = second.transpose(0, 1).reshape(self.s * self.n_q, self.m_q)

    @property
    def takes_bytes(self) -> bool:
        fits = max(self.n_p, self.n_q) <= digits.LONGEST
        return self.q_first and self.one.dtype == torch.float32 and fits and digits.available()

    @cached_property
    def digits_of_one(self) -> digits.Digits:
        return digits.split(self.one)

    def unpack(self, one: Tensor, two: Tensor) -> tuple[Tensor, Tensor]:
        """Tensors in the shapes of `one` and `two`, their gradients, in the shapes of P and Q."""
        if self.q_first:
            return two.view(self.n_p, self.s, self.m_p), one.reshape(self.n_q, self.s, self.m_q)
        first = one.reshape(self.m_p, self.s, self.n_p).permute(2, 1, 0)
        return first, two.view(self.s, self.n_q, self.m_q).transpose(0, 1)

    def inner(self, rows: int) -> Tensor:
        """Room for what lies between the two products."""
        shape = (self.n_p * self.s, self.m_q) if self.q_first else (self.m_p, self.s * self.n_q)
        return self.one.new_empty(rows, *shape)

    def sums(self) -> tuple[Tensor, Tensor]:
        """Zeros for the gradients of `one` and `two`.

        The first is summed transposed: with the thin side as its rows, a GEMM is up to five times as fast.
        """
        one = self.one
        return one.new_zeros(one.shape[1], one.shape[0]).mT, torch.zeros_like(self.two)

    def project(self, x: Tensor, inner: Tensor) -> Tensor:
        rows = x.shape[0]
        if self.q_first:
            self._by_one(x, inner.view(rows * self.n_p, -1))
        else:
            x = x.view(rows, self.n_p, self.n_q)
            torch.bmm(self.one.expand(rows, -1, -1), x, out=inner.view(rows, self.m_p * self.s, self.n_q))
        return inner

    def _by_one(self, x: Tensor, out: Tensor) -> Tensor:
        x = x.view(-1, self.n_q)
        return digits.multiply(x, self.digits_of_one, out) if x.dtype == torch.uint8 else _mm(x, self.one, out)

    def expand(self, inner: Tensor, out: Tensor) -> None:
        rows = inner.shape[0]
        if self.q_first:
            torch.bmm(self.two.mT.expand(rows, -1, -1), inner, out=out.view(rows, self.m_p, self.m_q))
        else:
            torch.mm(inner.view(rows * self.m_p, -1), self.two, out=out.view(rows * self.m_p, self.m_q))

    def back(self, grad: Tensor) -> Tensor:
        """The gradient of y (rows, m_P m_Q) -> that of the first product's result, in its order."""
        rows = grad.shape[0]
        if self.q_first:
            grad = grad.view(rows, self.m_p, self.m_q)
            return torch.bmm(self.two.expand(rows, -1, -1), grad).view(rows * self.n_p, -1)
        return (grad.view(rows * self.m_p, self.m_q) @ self.two.mT).view(rows, self.m_p * self.s, self.n_q)

    def back_to_x(self, back: Tensor) -> Tensor:
        """`back` -> the gradient of x, (rows, n_P n_Q)."""
        product = back @ self.one.mT if self.q_first else torch.bmm(self.one.mT.expand(len(back), -1, -1), back)
        return product.view(-1, self.n_p * self.n_q)

    def add_to_one(self, total: Tensor, x: Tensor, back: Tensor) -> None:
        rows = x.shape[0]
        if x.dtype == torch.uint8:
            bytes_, back = x.view(-1, self.n_q).mT, back.view(-1, self.s * self.m_q)
            total.add_(digits.multiply(bytes_, digits.split(back), torch.empty_like(self.one)))
        elif self.q_first:
            total.mT.addmm_(back.mT, x.view(rows * self.n_p, self.n_q))
        else:
            total.addbmm_(back, x.view(rows, self.n_p, self.n_q).mT)

    def add_to_two(self, total: Tensor, inner: Tensor, grad: Tensor) -> None:
        rows = grad.shape[0]
        if self.q_first:
            total.addbmm_(inner, grad.view(rows, self.m_p, self.m_q).mT)
        else:
            total.addmm_(inner.view(rows * self.m_p, -1).mT, grad.view(rows * self.m_p, self.m_q))


def _mm(a: Tensor, b: Tensor, out: Tensor) -> Tensor:
    """out = a @ b; for a thin b as its transpose, which BLAS does two to three times as fast."""
    if b.shape[1] < THIN:
        return out.copy_(torch.mm(b.mT.contiguous(), a.mT).mT)
    return torch.mm(a, b, out=out)
