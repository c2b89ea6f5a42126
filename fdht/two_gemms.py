"""The split contraction on a CPU: two GEMMs, forward and backward, over chunks of rows that stay in the cache."""

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

CHUNK = 2**20  # elements of x: 4 MB in float32
THIN = 16  # columns


class TwoGemms(Function):
    """y (rows, m_P m_Q) from x (rows, n_P n_Q), P (n_P, s, m_P), Q (n_Q, s, m_Q); see
    `fdht.contract.apply_halves`.

    x may be raw (uint8): each chunk is converted when it is used, in the backward pass again, so no floating copy
    of x exists beyond a chunk. Kept for the backward pass: x itself and the intermediate result between the GEMMs.
    normalisation and mask act on the converted chunk: (x * scale + shift) * mask, mask (sequences, N) or None.
    """

    @staticmethod
    def forward(ctx, x, first, second, q_first, normalisation, mask):
        first, second = first.contiguous(), second.contiguous()
        shape = _Shape(x, first, second, q_first)
        keep = any(ctx.needs_input_grad[:3])
        out = first.new_empty(shape.rows, shape.m_p * shape.m_q)
        inner = first.new_empty(shape.inner(shape.rows if keep else min(shape.chunk, shape.rows)))
        buffer = None
        weights = shape.weights(first, second)
        for start in range(0, shape.rows, shape.chunk):
            end = min(start + shape.chunk, shape.rows)
            chunk, buffer = _convert(x, start, end, first.dtype, buffer, normalisation, mask)
            part = inner[start:end] if keep else inner[: end - start]
            shape.forward(chunk, *weights, part, out[start:end])
        ctx.save_for_backward(x, first, second, mask, inner if keep else None)
        ctx.q_first, ctx.normalisation = q_first, normalisation
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        x, first, second, mask, inner = ctx.saved_tensors
        shape = _Shape(x, first, second, ctx.q_first)
        grad = grad.contiguous()
        weights = shape.weights(first, second)
        # The first is summed transposed: with the thin side as its rows, a GEMM is up to five times as fast.
        sums = [torch.zeros_like(weights[0].mT.contiguous()).mT, torch.zeros_like(weights[1])]
        grad_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        buffer = None
        for start in range(0, shape.rows, shape.chunk):
            end = min(start + shape.chunk, shape.rows)
            chunk, buffer = _convert(x, start, end, first.dtype, buffer, ctx.normalisation, mask)
            back = shape.backward(chunk, *weights, inner[start:end], grad[start:end], *sums, grad_x is not None)
            if grad_x is not None:
                back = back.view(end - start, -1) * ctx.normalisation[0]
                grad_x[start:end] = back if mask is None else back * _mask_rows(mask, start, end, shape.rows)
        return grad_x, *shape.unpack(*sums), None, None, None


class _Shape:
    """The sizes of a split and its four small matrix products, in place."""

    def __init__(self, x: Tensor, first: Tensor, second: Tensor, q_first: bool):
        self.rows = x.shape[0]
        self.chunk = max(1, CHUNK // x.shape[1])
        (self.n_p, self.s, self.m_p), (self.n_q, _, self.m_q) = first.shape, second.shape
        self.q_first = q_first
        self.thin = q_first and self.m_q < THIN // 2  # one GEMM on reordered rows in place of a batch of thin ones

    def inner(self, rows: int) -> tuple[int, int, int]:
        if self.q_first:
            return (rows, self.m_q, self.n_p * self.s) if self.thin else (rows, self.n_p * self.s, self.m_q)
        return rows, self.m_p, self.s * self.n_q

    def weights(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """The halves as the matrices of the first and of the second product."""
        if self.q_first:
            return second.view(self.n_q, self.s * self.m_q), first.view(self.n_p * self.s, self.m_p)
        inner = first.permute(2, 1, 0).reshape(self.m_p * self.s, self.n_p)
        return inner, second.transpose(0, 1).reshape(self.s * self.n_q, self.m_q)

    def unpack(self, one: Tensor, two: Tensor) -> tuple[Tensor, Tensor]:
        """Undoes `weights`, for gradients: those of P and of Q."""
        if self.q_first:
            return two.view(self.n_p, self.s, self.m_p), one.reshape(self.n_q, self.s, self.m_q)
        first = one.reshape(self.m_p, self.s, self.n_p).permute(2, 1, 0)
        return first, two.view(self.s, self.n_q, self.m_q).transpose(0, 1)

    def forward(self, x: Tensor, one: Tensor, two: Tensor, inner: Tensor, out: Tensor) -> None:
        rows = x.shape[0]
        if self.thin:
            product = x.new_empty(rows * self.n_p, self.s * self.m_q)
            _mm(x.view(rows * self.n_p, self.n_q), one, product)
            inner.copy_(product.view(rows, -1, self.m_q).mT)
            product = inner.view(rows * self.m_q, -1) @ two
            out.view(rows, self.m_p, self.m_q).copy_(product.view(rows, self.m_q, self.m_p).mT)
        elif self.q_first:
            _mm(x.view(rows * self.n_p, self.n_q), one, inner.view(rows * self.n_p, -1))
            torch.bmm(two.mT.expand(rows, -1, -1), inner, out=out.view(rows, self.m_p, self.m_q))
        else:
            x = x.view(rows, self.n_p, self.n_q)
            torch.bmm(one.expand(rows, -1, -1), x, out=inner.view(rows, self.m_p * self.s, self.n_q))
            torch.mm(inner.view(rows * self.m_p, -1), two, out=out.view(rows * self.m_p, self.m_q))

    def backward(self, x, one, two, inner, grad, sum_one, sum_two, for_x: bool) -> Tensor | None:
        """Add the gradients of `one` and `two` to their sums; the gradient of x if it is asked for."""
        rows = x.shape[0]
        if self.q_first:
            grad = grad.view(rows, self.m_p, self.m_q)
            if self.thin:
                grad = grad.mT.reshape(rows * self.m_q, self.m_p)
                sum_two.addmm_(inner.view(rows * self.m_q, -1).mT, grad)
                back = (grad @ two.mT).view(rows, self.m_q, -1).mT.reshape(rows * self.n_p, -1)
            else:
                sum_two.addbmm_(inner, grad.mT)
                back = torch.bmm(two.expand(rows, -1, -1), grad).view(rows * self.n_p, -1)
            sum_one.mT.addmm_(back.mT, x.view(rows * self.n_p, self.n_q))
            return back @ one.mT if for_x else None
        grad = grad.view(rows * self.m_p, self.m_q)
        sum_two.addmm_(inner.view(rows * self.m_p, -1).mT, grad)
        back = (grad @ two.mT).view(rows, self.m_p * self.s, self.n_q)
        sum_one.addbmm_(back, x.view(rows, self.n_p, self.n_q).mT)
        return torch.bmm(one.mT.expand(rows, -1, -1), back) if for_x else None


def _mm(a: Tensor, b: Tensor, out: Tensor) -> None:
    """out = a @ b; for a thin b as its transpose, which BLAS does two to three times as fast."""
    if b.shape[1] < THIN:
        out.copy_(torch.mm(b.mT.contiguous(), a.mT).mT)
    else:
        torch.mm(a, b, out=out)


def _convert(x, start, end, dtype, buffer, normalisation, mask):
    """Rows start..end of x as (x * scale + shift) * mask in `dtype`; the buffer serves the next chunk too."""
    chunk = x[start:end]
    if x.dtype == dtype and mask is None and normalisation == (1.0, 0.0):
        return chunk.contiguous(), buffer
    if buffer is None:
        buffer = torch.empty(end - start, x.shape[1], dtype=dtype)
    converted = buffer[: end - start].copy_(chunk)
    if normalisation != (1.0, 0.0):
        converted.mul_(normalisation[0]).add_(normalisation[1])
    if mask is not None:
        converted.mul_(_mask_rows(mask, start, end, x.shape[0]))
    return converted, buffer


def _mask_rows(mask: Tensor, start: int, end: int, rows: int) -> Tensor:
    return mask[torch.arange(start, end) // (rows // mask.shape[0])]
