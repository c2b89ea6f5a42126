"""The first product of a split on a CPU: the rows of x with one half, in chunks that stay in the cache.

With Q first x (rows, n_P n_Q) is a matrix (rows n_P, n_Q) times one of Q, (n_Q, w); with P first every row of x is a
matrix (n_P, n_Q) behind one of P, (w, n_P). x may be raw (uint8): it is multiplied as it is where the CPU can (see
`fdht.engine.cpu.digits`), else each chunk is converted when it is used, in the backward pass again; no floating copy
of x exists beyond a chunk. normalisation and mask act on the converted chunk: (x * scale + shift) * mask, mask
(sequences, N) or None.
"""

from collections.abc import Iterator
from functools import cached_property

import torch
from torch import Tensor

from fdht.engine.cpu import digits
from fdht.engine.plans import SHORTEST

CHUNK = 2**19  # elements of x for each thread: 2 MB in float32
INNER = 2**18  # elements of the product of a chunk
LONG = 4  # times as long are chunks of bytes in a backward pass: they are summed up, which is faster in fewer products
NARROW = 16  # columns


class Side:
    """x in chunks of rows: (start, end, rows start..end as (x * scale + shift) * mask in the dtype of the half, or as
    they are). The chunks share one buffer: one is valid until the next.

    `add_gradient` adds a chunk's gradient of the half to the `total` so far, None at first.
    """

    takes_bytes = False

    def __init__(self, x: Tensor, half: Tensor, normalisation: tuple[float, float], mask: Tensor | None):
        self.x, self.half, self.normalisation, self.mask = x, half, normalisation, mask
        self.rows = len(x)
        plain = mask is None and normalisation == (1.0, 0.0)
        self.bytes = plain and x.dtype == torch.uint8 and self.takes_bytes
        self.as_they_are = self.bytes or (plain and x.dtype == half.dtype)

    def size(self, backward: bool = False) -> int:
        """Rows of a chunk."""
        return min(max(1, self.most_rows(backward)), self.rows)

    def most_rows(self, backward: bool) -> int:
        return CHUNK * torch.get_num_threads() // self.x.shape[1]

    def chunks(self, backward: bool = False) -> Iterator[tuple[int, int, Tensor]]:
        size = self.size(backward)
        buffer = None if self.as_they_are else self.half.new_empty(size, self.x.shape[1])
        for start in range(0, self.rows, size):
            end = min(start + size, self.rows)
            chunk = self.x[start:end]
            yield (
                start,
                end,
                chunk.contiguous() if self.as_they_are else self._convert(chunk, buffer[: end - start], start),
            )

    def mask_rows(self, start: int, end: int) -> Tensor:
        return self.mask[torch.arange(start, end) // (self.rows // self.mask.shape[0])]

    def _convert(self, chunk: Tensor, buffer: Tensor, start: int) -> Tensor:
        buffer.copy_(chunk)
        scale, shift = self.normalisation
        if (scale, shift) != (1.0, 0.0):
            buffer.mul_(scale).add_(shift)
        if self.mask is not None:
            buffer.mul_(self.mask_rows(start, start + len(chunk)))
        return buffer


class QSide(Side):
    """x (rows n_P, n_Q) @ (n_Q, w)."""

    def __init__(self, x: Tensor, half: Tensor, *given):
        (self.n_q, self.w), self.n_p = half.shape, x.shape[1] // half.shape[0]
        super().__init__(x, half, *given)

    @property
    def takes_bytes(self) -> bool:
        fits = self.n_p <= digits.LONGEST and SHORTEST <= self.n_q <= digits.LONGEST
        return self.half.dtype == torch.float32 and fits and digits.available()

    def most_rows(self, backward: bool) -> int:
        of_product = INNER // (self.n_p * self.w)
        if self.bytes:
            return min(of_product * LONG if backward else of_product, digits.LONGEST // self.n_p)
        return min(of_product, super().most_rows(backward))

    @cached_property
    def digits(self) -> digits.Digits:
        return digits.split(self.half)

    @cached_property
    def sums(self) -> Tensor:
        """Room for sums of bytes, used again by every chunk: it stays in the cache."""
        return digits.room(self.size() * self.n_p, self.w)

    def shape(self, rows: int) -> tuple[int, ...]:
        """Of the product of so many rows."""
        return rows * self.n_p, self.w

    def project(self, x: Tensor, out: Tensor) -> None:
        x = x.view(-1, self.n_q)
        if self.bytes:
            digits.multiply(x, self.digits, out, self.sums)
        elif self.w < NARROW:  # as its transpose, which BLAS does two to three times as fast
            out.copy_(torch.mm(self.half.mT.contiguous(), x.mT).mT)
        else:
            torch.mm(x, self.half, out=out)

    def add_gradient(self, total: Tensor | None, x: Tensor, grad: Tensor) -> Tensor:
        x = x.view(-1, self.n_q)
        if self.bytes:
            found = digits.multiply(x.mT, digits.split(grad), torch.empty_like(self.half))
            return found if total is None else total.add_(found)
        # summed transposed, with the thin side as its rows, which a GEMM does up to five times as fast
        total = grad.new_zeros(self.w, self.n_q).mT if total is None else total
        return total.mT.addmm_(grad.mT, x).mT

    def back_to_x(self, grad: Tensor) -> Tensor:
        return grad @ self.half.mT


class PSide(Side):
    """(w, n_P) @ x (rows, n_P, n_Q)."""

    def __init__(self, x: Tensor, half: Tensor, *given):
        (self.w, self.n_p), self.n_q = half.shape, x.shape[1] // half.shape[1]
        super().__init__(x, half, *given)

    def shape(self, rows: int) -> tuple[int, ...]:
        return rows, self.w, self.n_q

    def project(self, x: Tensor, out: Tensor) -> None:
        torch.bmm(self.half.expand(len(out), -1, -1), x.view(-1, self.n_p, self.n_q), out=out)

    def add_gradient(self, total: Tensor | None, x: Tensor, grad: Tensor) -> Tensor:
        total = torch.zeros_like(self.half) if total is None else total
        return total.addbmm_(grad, x.view(-1, self.n_p, self.n_q).mT)

    def back_to_x(self, grad: Tensor) -> Tensor:
        return torch.bmm(self.half.mT.expand(len(grad), -1, -1), grad)
