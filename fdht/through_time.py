"""The LSTM of `fdht.cells` with the backward pass through time by hand."""

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from fdht.recurrence import Recurrence

# y' of y = σ(a) and of y = tanh(a), times a factor, in one operation: factor y (1 - y) and factor (1 - y²)
sigmoid_slope, tanh_slope = torch.ops.aten.sigmoid_backward.grad_input, torch.ops.aten.tanh_backward.grad_input


class LSTM(Function):
    """`fdht.cells.lstm`: in place, and with the gradients of what acts on h from all steps at once, which autograd
    would do step by step. `tensors` and `q_first` as in `Recurrence`. States are in columns, see there.
    """

    @staticmethod
    def forward(ctx, q_first, pre, h, c, mask, *tensors):
        ctx.set_materialize_grads(False)
        products = Recurrence(tensors, q_first).products()
        (B, T, _), H = pre.shape, h.shape[1]
        h, c, mask = _columns(h), _columns(c), None if mask is None else _columns(mask)
        gates = pre.permute(1, 2, 0).clone(memory_format=torch.contiguous_format)
        kept = T if any(ctx.needs_input_grad) else 1  # steps of what only the backward pass reads
        # all c are in columns for the caller too: few are read
        all_c = torch.empty_strided((B, T, H), (1, H * B, B), dtype=pre.dtype, device=pre.device)
        hs, cs, tanh = pre.new_empty(T, H, B), all_c.permute(1, 2, 0), pre.new_empty(kept, H, B)
        h0, c0, inner = h, c, products.inner(kept, h)
        for t in range(T):
            products.add(gates[t], h if mask is None else h * mask, inner[t % kept])
            i_f, g, o = gates[t].split((2 * H, H, H))
            i, f = i_f.sigmoid_().chunk(2)
            c = torch.mul(f, c, out=cs[t]).addcmul_(i, g.tanh_())
            h = torch.mul(o.sigmoid_(), torch.tanh(c, out=tanh[t % kept]), out=hs[t])
        ctx.save_for_backward(h0, c0, mask, gates, hs, all_c, tanh, inner, *tensors)
        ctx.q_first = q_first
        return _rows(hs), all_c

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_hs, grad_cs):
        h0, c0, mask, gates, hs, all_c, tanh, inner, *tensors = ctx.saved_tensors
        cs, (T, H, B) = all_c.permute(1, 2, 0), hs.shape
        products = Recurrence(tuple(tensors), ctx.q_first).products()
        slope, through = _slopes(gates, c0, cs, tanh)
        grad_hs, grad_cs = (None if grad is None else grad.permute(1, 2, 0).contiguous() for grad in (grad_hs, grad_cs))
        f, grad_inner = gates[:, H : 2 * H], torch.empty_like(inner)
        dh, dc = torch.zeros_like(h0), torch.zeros_like(c0)
        for t in reversed(range(T)):
            if grad_hs is not None:
                dh += grad_hs[t]
            if grad_cs is not None:
                dc += grad_cs[t]
            dc.addcmul_(dh, through[t])
            slope[t, : 3 * H].view(3, H, B).mul_(dc)
            slope[t, 3 * H :].mul_(dh)
            dc *= f[t]
            dh = products.back(slope[t], grad_inner[t])
            if mask is not None:
                dh *= mask
        grads = [None] * len(tensors)
        if any(ctx.needs_input_grad[5:]):
            before = torch.cat((h0[None], hs[:-1]))
            before = before if mask is None else before * mask
            grads = products.gradients(before, inner, grad_inner, slope)
        return None, slope.permute(2, 0, 1), dh.mT, dc.mT, None, *grads


def _slopes(gates: Tensor, c0: Tensor, cs: Tensor, tanh: Tensor) -> tuple[Tensor, Tensor]:
    """What does not depend on the gradients, for all steps at once: d a_t = slope_t * (dc, dc, dc, dh) and
    d c_t = through_t * d h_t."""
    i, f, g, o = gates.chunk(4, dim=1)
    slope, through = torch.empty_like(gates), torch.empty_like(tanh)
    by_i, by_f, by_g, by_o = slope.chunk(4, dim=1)
    sigmoid_slope(g, i, grad_input=by_i)
    sigmoid_slope(c0, f[0], grad_input=by_f[0])
    sigmoid_slope(cs[:-1], f[1:], grad_input=by_f[1:])
    tanh_slope(i, g, grad_input=by_g)
    sigmoid_slope(tanh, o, grad_input=by_o)
    tanh_slope(o, tanh, grad_input=through)
    return slope, through


def _columns(rows: Tensor) -> Tensor:
    """(B, N) -> (N, B), contiguous."""
    return rows.mT.contiguous()


def _rows(columns: Tensor) -> Tensor:
    """(T, N, B) -> (B, T, N), in memory (T, B, N), as torch.nn.LSTM has it.

    It is no view of another tensor: autograd lets nobody change a view that comes from a `Function`.
    """
    T, N, B = columns.shape
    rows = torch.empty_strided((B, T, N), (N, B * N, 1), dtype=columns.dtype, device=columns.device)
    return rows.copy_(columns.permute(2, 0, 1))
