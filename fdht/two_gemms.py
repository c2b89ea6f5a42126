"""The split contraction on a CPU: two GEMMs, forward and backward, over chunks of rows that stay in the cache."""

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from fdht import columns
from fdht.digits import LONGEST
from fdht.halves import Halves

CHUNK = 2**19  # elements of x for each thread: 2 MB in float32
INNER = 2**17  # elements between the products, where x is not converted


class TwoGemms(Function):
    """y (B, T, m_P m_Q) from x (B T, n_P n_Q), T = steps, P (n_P, s, m_P), Q (n_Q, s, m_Q); see
    `fdht.contract.apply_halves`.

    x may be raw (uint8): it is multiplied as it is where the CPU can (see `fdht.digits`), else each chunk is
    converted when it is used, in the backward pass again; no floating copy of x exists beyond a chunk. Kept for the
    backward pass: x itself and the intermediate result between the GEMMs.
    normalisation and mask act on the converted chunk: (x * scale + shift) * mask, mask (sequences, N) or None.
    """

    @staticmethod
    def forward(ctx, x, first, second, q_first, steps, normalisation, mask):
        halves, rows = Halves(first, second, q_first), x.shape[0]
        keep = any(ctx.needs_input_grad[:3])
        whole = keep or halves.thin
        chunks = _Chunks(x, halves, normalisation, mask)
        inner = halves.inner(rows if whole else chunks.size)
        out = None if halves.thin else first.new_empty(rows // steps, steps, halves.m_p * halves.m_q)
        for start, end, chunk in chunks:
            part = halves.project(chunk, inner[start:end] if whole else inner[: end - start])
            if not halves.thin:
                halves.expand(part, out.view(rows, -1)[start:end])
        if halves.thin:
            inner = columns.gather(halves, inner, steps)
            out = columns.expand(halves, inner)
        ctx.save_for_backward(x, first, second, mask, inner if keep else None)
        ctx.q_first, ctx.normalisation = q_first, normalisation
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        x, first, second, mask, inner = ctx.saved_tensors
        halves, rows = Halves(first, second, ctx.q_first), x.shape[0]
        sum_one, sum_two = halves.sums()
        grad_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        if halves.thin:
            whole, sum_two = columns.back(halves, inner, grad)
        else:
            grad = grad.reshape(rows, -1)
        for start, end, chunk in _Chunks(x, halves, ctx.normalisation, mask):
            if halves.thin:
                back = whole[start * halves.n_p : end * halves.n_p]
            else:
                halves.add_to_two(sum_two, inner[start:end], grad[start:end])
                back = halves.back(grad[start:end])
            halves.add_to_one(sum_one, chunk, back)
            if grad_x is not None:
                part = halves.back_to_x(back) * ctx.normalisation[0]
                grad_x[start:end] = part if mask is None else part * _mask_rows(mask, start, end, rows)
        return grad_x, *halves.unpack(sum_one, sum_two), None, None, None, None


class _Chunks:
    """(start, end, rows start..end of x as (x * scale + shift) * mask in the dtype of the halves, or as they are).

    They share one buffer: a chunk is valid until the next.
    """

    def __init__(self, x: Tensor, halves: Halves, normalisation: tuple[float, float], mask: Tensor | None):
        self.x, self.dtype, self.normalisation, self.mask = x, halves.one.dtype, normalisation, mask
        plain = mask is None and normalisation == (1.0, 0.0)
        bytes_ = plain and x.dtype == torch.uint8 and halves.takes_bytes
        self.as_they_are = bytes_ or (plain and x.dtype == self.dtype)
        if bytes_:
            size = min(INNER // (halves.n_p * halves.s * halves.m_q), LONGEST // halves.n_p)
        else:
            size = CHUNK * torch.get_num_threads() // x.shape[1]
        self.size = min(max(1, size), x.shape[0])

    def __iter__(self):
        rows = self.x.shape[0]
        buffer = None if self.as_they_are else torch.empty(self.size, self.x.shape[1], dtype=self.dtype)
        for start in range(0, rows, self.size):
            end = min(start + self.size, rows)
            chunk = self.x[start:end]
            yield (
                start,
                end,
                chunk.contiguous() if self.as_they_are else self._convert(chunk, buffer[: end - start], start),
            )

    def _convert(self, chunk: Tensor, buffer: Tensor, start: int) -> Tensor:
        buffer.copy_(chunk)
        scale, shift = self.normalisation
        if (scale, shift) != (1.0, 0.0):
            buffer.mul_(scale).add_(shift)
        if self.mask is not None:
            buffer.mul_(_mask_rows(self.mask, start, start + len(chunk), self.x.shape[0]))
        return buffer


def _mask_rows(mask: Tensor, start: int, end: int, rows: int) -> Tensor:
    return mask[torch.arange(start, end) // (rows // mask.shape[0])]
