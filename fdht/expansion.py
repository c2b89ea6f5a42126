"""The products of a split after the first, on a CPU, and all of them together.

What the first product leaves, for every row (n_P, s, m_Q), is contracted with P, or with the parts of a P that is cut
again (see `fdht.splits.Between`), from the last to the first. A part (n, k, w) takes the state from
(..., n k, columns) to (..., w, columns): batches of GEMMs on what lies contiguous, nothing is reordered.

Where m_Q is small these would be thin. Then a sequence is a column: the state of a step is (n_P s, m_Q B), and y comes
out as (M, B), which is the layout that the recurrence wants, see `fdht.recurrence`. So only what the first product
leaves is reordered, once.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from fdht.first_product import INNER, FirstProduct, QSide
from fdht.plans import THIN
from fdht.sums import over_batch


def apply(
    parts: Sequence[Tensor],
    q_first: bool,
    x: Tensor,
    steps: int,
    bias: Tensor | None,
    normalisation: tuple[float, float],
    mask: Tensor | None,
) -> Tensor:
    """`fdht.contract.apply_parts` plus bias for x (B T, N), floating or uint8, T = steps -> (B, T, M)."""
    *before, second = parts
    (n_q, s, m_q), rows = second.shape, x.shape[0]
    given = (q_first, normalisation, mask)
    if not q_first:
        (first,) = before
        n_p, _, m_p = first.shape
        inner = FirstProduct.apply(x, first.permute(2, 1, 0).reshape(m_p * s, n_p), *given)
        y = inner.view(rows * m_p, s * n_q) @ second.transpose(0, 1).reshape(s * n_q, m_q)
        y = y.view(-1, steps, m_p * m_q)
        return y if bias is None else y.add_(bias)
    matrix = second.reshape(n_q, s * m_q)
    if m_q < THIN:
        return _in_columns(before, FirstProduct.apply(x, matrix, *given), steps, bias)
    if torch.is_grad_enabled():
        y = _expand(before, FirstProduct.apply(x, matrix, *given), rows, bias)
    else:
        y = _in_chunks(before, QSide(x, matrix, normalisation, mask), bias)
    return y.view(-1, steps, y.numel() // rows)


def _in_chunks(parts: Sequence[Tensor], side: QSide, bias: Tensor | None) -> Tensor:
    """All products of a chunk of rows while it is in the cache, where nothing is kept for a backward pass."""
    y = None
    side.size = max(1, min(side.size, INNER // (side.n_p * side.w)))
    inner = side.room(side.size)
    for start, end, chunk in side.chunks():
        part = side.part(inner, 0, end - start)
        side.project(chunk, part)
        found = _expand(parts, part, end - start, bias).view(end - start, -1)
        if y is None:
            y = found.new_empty(side.rows, found.shape[1])
        y[start:end] = found
    return y


def _expand(parts: Sequence[Tensor], state: Tensor, lead: int, bias: Tensor | None, columns: int = 1) -> Tensor:
    """state of `lead` rows or steps -> (lead, m_1, m_2 ... columns), plus bias."""
    for k, part in reversed(list(enumerate(parts))):
        n, s, w = part.shape
        batch = lead * math.prod(earlier.shape[0] for earlier in parts[:k])
        state = Batched.apply(part.reshape(n * s, w), state.view(batch, n * s, -1))
    if bias is not None:
        state.add_(bias.view(state.shape[1], -1, 1).expand(-1, -1, columns).reshape(state.shape[1:]))
    return state


def _in_columns(parts: Sequence[Tensor], product: Tensor, steps: int, bias: Tensor | None) -> Tensor:
    """product (B T n_P, s m_Q) -> y (B, T, M), in memory (T, M, B)."""
    size = math.prod(part.shape[0] for part in parts)
    by_row = product.view(-1, steps, product.numel() // product.shape[0] * size)
    state = by_row.permute(1, 2, 0).contiguous()
    y = _expand(parts, state, steps, bias, len(by_row))
    return y.view(steps, -1, len(by_row)).permute(2, 0, 1)


class Batched(Function):
    """part (K, w), state (batch, K, columns) -> (batch, w, columns)."""

    @staticmethod
    def forward(ctx, part, state):
        ctx.save_for_backward(part, state)
        out = state.new_empty(len(state), part.shape[1], state.shape[2])  # given, so that autocast leaves it alone
        return torch.bmm(part.mT.expand(len(state), -1, -1), state, out=out)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        part, state = ctx.saved_tensors
        grad = grad.contiguous()
        of_state = torch.bmm(part.expand(len(state), -1, -1), grad)
        return over_batch(state, grad), of_state
