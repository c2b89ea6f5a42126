"""The LSTM of `fdht.cells` with a hand-written backward pass through time."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.autograd import Function

from fdht.engine.recurrence import Recurrence

# y' of y = σ(a) and of y = tanh(a), times a factor, in one operation: factor y (1 - y) and factor (1 - y²)
sigmoid_slope, tanh_slope = torch.ops.aten.sigmoid_backward.grad_input, torch.ops.aten.tanh_backward.grad_input


def lstm(
    gates: Tensor, recur: Recurrence, h: Tensor | None, c: Tensor | None, mask: Tensor | None
) -> tuple[Tensor, Tensor]:
    """As `fdht.cells.lstm`, from the input part of the gates (T, 4H, B), which is overwritten. Returns all h and all c.

    h, c: initial states (B, H), or None for 0. mask: (B, H) on h, or None.
    """
    return LSTM.apply(torch.is_grad_enabled(), gates, h, c, mask, *recur.tensors)


class LSTM(Function):
    """States are in columns, `tensors` those of a `Recurrence`. tracked: whether autograd is on, which a `Function`
    cannot see itself. Works in place; the gradients of `tensors` are computed from all steps at once.
    """

    @staticmethod
    def forward(ctx, tracked, gates, h, c, mask, *tensors):
        ctx.set_materialize_grads(False)
        products = Recurrence(tensors).products()
        T, (H, B) = len(gates), (gates.shape[1] // 4, gates.shape[2])
        h, c, mask = _columns(h), _columns(c), _columns(mask)
        # all c stay in columns for the caller, too, who seldom reads them
        all_c = torch.empty_strided((B, T, H), (1, H * B, B), dtype=gates.dtype, device=gates.device)
        cs, keep = all_c.permute(1, 2, 0), tracked and any(ctx.needs_input_grad)
        first = int(h is None)  # without an initial state the first product with U is left out
        if keep:
            tanh, hs = gates.new_empty(T, H, B), gates.new_empty(T, H, B)
        else:  # in the memory of gates that are not read again
            tanh, hs = gates[:, 2 * H : 3 * H], gates[:, 3 * H :]
        h0, c0, inner = h, c, products.room(T - first if keep else 0, B)
        tracks = (gates, gates[:, : 2 * H], *gates.chunk(4, dim=1), cs, tanh, hs)
        for t, (a, i_f, i, f, g, o, to_c, to_tanh, to_h) in enumerate(_steps(*tracks)):
            if t >= first:
                h = h if mask is None else h * mask
                products.add(a, h, _at(t - first, inner) if keep else _at(0, products.room(1, B)))
            i_f.sigmoid_()
            g.tanh_()
            c = torch.mul(i, g, out=to_c) if c is None else torch.mul(f, c, out=to_c).addcmul_(i, g)
            h = torch.mul(o.sigmoid_(), torch.tanh(c, out=to_tanh), out=to_h)
        if keep:
            ctx.save_for_backward(h0, c0, mask, gates, hs, all_c, tanh, *inner, *tensors)
        ctx.between = len(inner)
        return _rows(hs), all_c

    @staticmethod
    def backward(ctx, grad_hs, grad_cs):
        if torch.is_grad_enabled():
            raise RuntimeError("create_graph is True, but an LSTM has first derivatives only; expected False")
        h0, c0, mask, gates, hs, all_c, tanh, *rest = ctx.saved_tensors
        inner, tensors = rest[: ctx.between], rest[ctx.between :]
        cs, (_, H, B), first = all_c.permute(1, 2, 0), hs.shape, int(h0 is None)
        products = Recurrence(tuple(tensors)).products()
        slope, through = _slopes(gates, c0, cs, tanh)
        grad_hs, grad_cs = (None if grad is None else grad.permute(1, 2, 0) for grad in (grad_hs, grad_cs))
        grad_inner = [torch.empty_like(between) for between in inner]
        dh, dc = hs.new_zeros(H, B), hs.new_zeros(H, B)
        tracks = (gates[:, H : 2 * H], slope, slope[:, : 3 * H].unflatten(1, (3, H)), slope[:, 3 * H :], through)
        for t, (f, by_gates, by_ifg, by_o, by_h) in reversed(list(enumerate(_steps(*tracks)))):
            if grad_hs is not None:
                dh += grad_hs[t]
            if grad_cs is not None:
                dc += grad_cs[t]
            dc.addcmul_(dh, by_h)
            by_ifg.mul_(dc)
            by_o.mul_(dh)
            if t >= first:
                dc *= f
                dh = products.back(by_gates, _at(t - first, grad_inner))
                if mask is not None:
                    dh *= mask
        del through, tracks, by_h  # room for the gradients
        grads: Sequence[Tensor | None] = [None] * len(tensors)
        if any(ctx.needs_input_grad[5:]):
            before = hs[:-1] if h0 is None else torch.cat((h0[None], hs[:-1]))
            if len(before):
                before = before if mask is None else before * mask
                grads = products.gradients(before, inner, grad_inner, slope[first:])
            else:  # a single step
                grads = [torch.zeros_like(tensor) for tensor in tensors]
        of_state = (None, None) if h0 is None else (dh.mT, dc.mT)
        return None, slope, *of_state, None, *grads


def _steps(*tracks: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """(T, ...) each -> those of each step."""
    return zip(*(track.unbind() for track in tracks), strict=True)


def _at(step: int, tracks: Sequence[Tensor]) -> list[Tensor]:
    return [track[step] for track in tracks]


def _slopes(gates: Tensor, c0: Tensor | None, cs: Tensor, tanh: Tensor) -> tuple[Tensor, Tensor]:
    """Factors of the backward pass for all steps at once: slope (T, 4H, B) and through (T, H, B) with
    d a_t = slope_t * (dc, dc, dc, dh) and d c_t = through_t * d h_t."""
    i, f, g, o = gates.chunk(4, dim=1)
    slope, through = torch.empty_like(gates), torch.empty_like(tanh)
    by_i, by_f, by_g, by_o = slope.chunk(4, dim=1)
    sigmoid_slope(g, i, grad_input=by_i)
    if c0 is None:
        by_f[0].zero_()
    else:
        sigmoid_slope(c0, f[0], grad_input=by_f[0])
    sigmoid_slope(cs[:-1], f[1:], grad_input=by_f[1:])
    tanh_slope(i, g, grad_input=by_g)
    sigmoid_slope(tanh, o, grad_input=by_o)
    tanh_slope(o, tanh, grad_input=through)
    return slope, through


def _columns(rows: Tensor | None) -> Tensor | None:
    """(B, N) -> (N, B), contiguous."""
    return None if rows is None else rows.mT.contiguous()


def _rows(columns: Tensor) -> Tensor:
    """(T, N, B) -> (B, T, N), in memory (T, B, N), as torch.nn.LSTM has it.

    A copy, not a view: autograd forbids changing a view that a `Function` returned.
    """
    T, N, B = columns.shape
    rows = torch.empty_strided((B, T, N), (N, B * N, 1), dtype=columns.dtype, device=columns.device)
    return rows.copy_(columns.permute(2, 0, 1))
