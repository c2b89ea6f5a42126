"""A split on a CPU, forward and backward by hand: the product of x with one half, then those with the rest.

With Q first what the first product leaves, for every row (n_P, s, m_Q), is contracted with P, or with the parts of a P
that is cut again (see `fdht.engine.splits.Between`), from the last to the first. A part (n, k, w) takes the state from
(..., n k, columns) to (..., w, columns): batches of GEMMs on what lies contiguous, nothing is reordered. All products
of a chunk of rows are done while it is in the cache.

Where m_Q is small these would be thin. Then all rows are done together and a sequence is a column: the state of a step
is (n_P s, m_Q B), and y comes out as (M, B), which is the layout that the recurrence wants, see
`fdht.engine.recurrence`. So only what the first product leaves is reordered, once.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd import Function

from fdht.engine.contract import leads
from fdht.engine.cpu.first_product import PSide, QSide
from fdht.engine.first_order import first_order
from fdht.engine.plans import THIN
from fdht.engine.sums import over_batch


def apply(
    parts: Sequence[Tensor],
    q_first: bool,
    x: Tensor,
    steps: int,
    bias: Tensor | None,
    normalisation: tuple[float, float],
    mask: Tensor | None,
) -> Tensor:
    """`fdht.engine.contract.apply_parts` plus bias for x (B T, N), floating or uint8, T = steps -> (B, T, M)."""
    *before, second = parts
    (n_q, s, m_q), given = second.shape, (torch.is_grad_enabled(), q_first, normalisation, mask)
    if not q_first:
        (first,) = before
        n_p, _, m_p = first.shape
        inner = Products.apply(x, first.permute(2, 1, 0).reshape(m_p * s, n_p), *given)
        y = inner.view(-1, s * n_q) @ second.transpose(0, 1).reshape(s * n_q, m_q)
        y = y.view(-1, steps, m_p * m_q)
        return y if bias is None else y.add_(bias)
    matrix = second.reshape(n_q, s * m_q)
    if m_q < THIN:
        return _in_columns(before, Products.apply(x, matrix, *given), steps, bias)
    y = Products.apply(x, matrix, *given, *before)
    if bias is not None:
        y.add_(bias.view(y.shape[1:]))
    return y.view(-1, steps, y.numel() // x.shape[0])


def in_columns(parts: Sequence[Tensor], x: Tensor, steps: int, bias: Tensor | None) -> Tensor:
    """`apply` for floating x, Q first, with a sequence a column from the start: what is reordered is x itself."""
    *before, second = parts
    x = x.view(-1, steps, x.shape[1]).permute(1, 2, 0).contiguous()
    n_q, columns = second.shape[0], x.shape[2]
    product = Batched.apply(second.flatten(1), x.view(-1, n_q, columns))
    return _rest(before, product, steps, bias, columns)


def _in_columns(parts: Sequence[Tensor], product: Tensor, steps: int, bias: Tensor | None) -> Tensor:
    """product (B T n_P, s m_Q) -> y (B, T, M), in memory (T, M, B)."""
    size = math.prod(part.shape[0] for part in parts)
    by_row = product.view(-1, steps, product.numel() // product.shape[0] * size)
    return _rest(parts, by_row.permute(1, 2, 0).contiguous(), steps, bias, len(by_row))


def _rest(parts: Sequence[Tensor], state: Tensor, steps: int, bias: Tensor | None, columns: int) -> Tensor:
    """What the first product leaves, (T, n_P s m_Q, B) -> y (B, T, M), in memory (T, M, B)."""
    for part, lead in reversed(list(zip(parts, leads(parts), strict=True))):
        n, s, w = part.shape
        state = Batched.apply(part.reshape(n * s, w), state.view(steps * lead, n * s, -1))
    if bias is not None:  # in the shape of the state: changing a view would cost autograd three copies
        state.add_(bias.view(state.shape[1], -1, 1).expand(-1, -1, columns).reshape(state.shape[1:]))
    return state.view(steps, -1, columns).permute(2, 0, 1)


class Batched(Function):
    """part (K, w), state (batch, K, columns) -> (batch, w, columns)."""

    @staticmethod
    def forward(ctx, part, state):
        ctx.save_for_backward(part, state)
        out = state.new_empty(len(state), part.shape[1], state.shape[2])  # given, so that autocast leaves it alone
        return torch.bmm(part.mT.expand(len(state), -1, -1), state, out=out)

    @staticmethod
    @first_order
    def backward(ctx, grad):
        part, state = ctx.saved_tensors
        grad = grad.contiguous()
        of_state = torch.bmm(part.expand(len(state), -1, -1), grad) if ctx.needs_input_grad[1] else None
        return over_batch(state, grad), of_state


class Products(Function):
    """x (rows, N) and a half as a matrix (`fdht.engine.cpu.first_product`), then with Q first the parts (n, k, w) of P.

    -> (rows, w, columns) of the first part; without parts (rows n_P, s m_Q) with Q first, (rows, s m_P, n_Q) with P
    first. Kept for the backward pass, where autograd is on (`tracked`): x itself and the states before each part.
    """

    @staticmethod
    def forward(ctx, x, half, tracked, q_first, normalisation, mask, *parts):
        keep = tracked and any(ctx.needs_input_grad)
        side = (QSide if q_first else PSide)(x, half, normalisation, mask)
        whole = keep or not parts  # else what lies between is made chunk by chunk, and let go
        states = [half.new_empty(shape) for shape in _shapes(side, parts, side.rows)] if whole else []
        y = states[0] if whole else None
        for start, end, chunk in side.chunks():
            if whole:
                room = reversed(_chunk(states, side.rows, start, end))
            else:
                room = (half.new_empty(shape) for shape in reversed(_shapes(side, parts, end - start)))
            state = next(room)
            side.project(chunk, state)
            for part, out in zip(parts[::-1], room, strict=True):
                state = _multiply(part, state, out)
            if not whole and end - start == side.rows:
                y = state
            elif not whole:
                y = half.new_empty(_shapes(side, parts, side.rows)[0]) if y is None else y
                y[start:end] = state
        if keep:
            ctx.save_for_backward(x, half, mask, *parts, *states[1:])
        ctx.q_first, ctx.normalisation = q_first, normalisation
        return y

    @staticmethod
    @first_order
    def backward(ctx, grad):
        x, half, mask, *rest = ctx.saved_tensors
        parts, states = rest[: len(rest) // 2], rest[len(rest) // 2 :]
        side = (QSide if ctx.q_first else PSide)(x, half, ctx.normalisation, mask)
        of_half, of_parts = None, [torch.zeros_like(part) for part in parts]
        of_x, grad = torch.empty_like(x) if ctx.needs_input_grad[0] else None, grad.contiguous()
        for start, end, chunk in side.chunks(backward=True):
            before = _chunk(states, side.rows, start, end)
            (state,) = _chunk([grad], side.rows, start, end)
            for part, total, given in zip(parts, of_parts, before, strict=True):
                state = _multiply_back(part, total, given, state)
            of_half = side.add_gradient(of_half, chunk, state)
            if of_x is not None:
                of_chunk = side.back_to_x(state).view(end - start, -1) * ctx.normalisation[0]
                of_x[start:end] = of_chunk if mask is None else of_chunk * side.mask_rows(start, end)
        return of_x, of_half, None, None, None, None, *of_parts


def _shapes(side: QSide | PSide, parts: Sequence[Tensor], rows: int) -> list[tuple[int, ...]]:
    """Of the states of so many rows, after each part; the last is what the first product leaves."""
    shapes = [side.shape(rows)]
    for part, lead in reversed(list(zip(parts, leads(parts), strict=True))):
        n, s, w = part.shape
        columns = math.prod(shapes[0]) // (rows * lead * n * s)
        shapes.insert(0, (rows * lead, w, columns))
    return shapes


def _chunk(states: Sequence[Tensor], rows: int, start: int, end: int) -> list[Tensor]:
    """The states of rows start..end of `rows`."""
    return [state[start * (len(state) // rows) : end * (len(state) // rows)] for state in states]


def _multiply(part: Tensor, state: Tensor, out: Tensor) -> Tensor:
    n, s, w = part.shape
    return torch.bmm(part.reshape(n * s, w).mT.expand(len(out), -1, -1), state.view(len(out), n * s, -1), out=out)


def _multiply_back(part: Tensor, total: Tensor, state: Tensor, grad: Tensor) -> Tensor:
    """Adds the gradient of the part to `total`; returns that of the state."""
    n, s, w = part.shape
    total += over_batch(state.view(len(grad), n * s, -1), grad).view(n, s, w)
    return torch.bmm(part.reshape(n * s, w).expand(len(grad), -1, -1), grad).view(state.shape)
