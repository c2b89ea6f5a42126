"""The recurrences: LSTM and GRU over pre-activations that were computed for all steps at once.

Gates are stacked as in torch.nn: i, f, g, o for the LSTM; r, z, n for the GRU. U acts on the previous output:
LSTM  a_t = p_t + U h_{t-1};  c_t = σ(f) c_{t-1} + σ(i) tanh(g);  h_t = σ(o) tanh(c_t)
GRU   r, z = σ(p_t + U h_{t-1});  n = tanh(p_t + r (U h_{t-1}));  h_t = (1 - z) n + z h_{t-1}
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from fdht.recurrence import Recurrence

GATES = {"lstm": 4, "gru": 3}
Recur = Callable[[Tensor], Tensor]


def lstm(pre: Tensor, recur: Recur, h: Tensor, c: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """pre (T, B, 4H), recur (B, H) -> (B, 4H), h, c and mask (B, H), mask or None -> all h, all c (T, B, H)."""
    hs, cs = [], []
    for step in pre.unbind(0):
        i, f, g, o = (step + recur(h if mask is None else h * mask)).chunk(4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        hs.append(h)
        cs.append(c)
    return torch.stack(hs), torch.stack(cs)


def gru(pre: Tensor, recur: Recur, h: Tensor, mask: Tensor | None = None) -> Tensor:
    """pre (T, B, 3H), recur (B, H) -> (B, 3H), h (B, H), mask (B, H) or None -> all h, (T, B, H)."""
    hs = []
    for step in pre.unbind(0):
        (r, z, n), (ur, uz, un) = step.chunk(3, dim=1), recur(h if mask is None else h * mask).chunk(3, dim=1)
        z = (z + uz).sigmoid()
        n = (n + (r + ur).sigmoid() * un).tanh()
        h = n + z * (h - n)
        hs.append(h)
    return torch.stack(hs)


class LSTM(Function):
    """`lstm` with the backward pass through time by hand: in place, and with the gradients of what acts on h from
    all steps at once, which autograd would do step by step. `tensors` and `q_first` as in `Recurrence`.
    """

    @staticmethod
    def forward(ctx, q_first, pre, h, c, mask, *tensors):
        products = Recurrence(tensors, q_first).products()
        T, B, H4 = pre.shape
        H = H4 // 4
        hs, cs = pre.new_empty(T, B, H), pre.new_empty(T, B, H)
        kept = T if any(ctx.needs_input_grad) else 1  # steps of what only the backward pass reads
        gates, tanh = pre.new_empty(kept, B, H4), pre.new_empty(kept, B, H)
        h0, c0 = h, c
        for t in range(T):
            gate = products.add(pre[t], h if mask is None else h * mask, gates[t % kept])
            gate[:, : 2 * H].sigmoid_()
            gate[:, 2 * H : 3 * H].tanh_()
            gate[:, 3 * H :].sigmoid_()
            i, f, g, o = gate.chunk(4, dim=1)
            c = torch.mul(f, c, out=cs[t]).addcmul_(i, g)
            h = torch.mul(o, torch.tanh(c, out=tanh[t % kept]), out=hs[t])
        ctx.save_for_backward(h0, c0, mask, gates, hs, cs, tanh, *tensors)
        ctx.q_first = q_first
        return hs, cs

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_hs, grad_cs):
        h0, c0, mask, gates, hs, cs, tanh, *tensors = ctx.saved_tensors
        products = Recurrence(tuple(tensors), ctx.q_first).products()
        T, B, H = hs.shape
        before_h, before_c = torch.cat((h0[None], hs[:-1])), torch.cat((c0[None], cs[:-1]))
        i, f, g, o = gates.chunk(4, dim=2)
        # Everything that does not depend on the gradients, for all steps at once: d a_t = slope_t * (dc, dc, dc,
        # dh).
        slope = torch.empty_like(gates)
        by_i, by_f, by_g, by_o = slope.chunk(4, dim=2)
        torch.mul(i * (1 - i), g, out=by_i)
        torch.mul(f * (1 - f), before_c, out=by_f)
        torch.mul(i, 1 - g * g, out=by_g)
        torch.mul(o * (1 - o), tanh, out=by_o)
        through = o * (1 - tanh * tanh)
        dh, dc = torch.zeros_like(h0), torch.zeros_like(c0)
        for t in reversed(range(T)):
            dh = dh + grad_hs[t]
            dc = torch.addcmul(dc + grad_cs[t], dh, through[t])
            gate = slope[t].view(B, 4, H)
            gate[:, :3] *= dc[:, None]
            gate[:, 3] *= dh
            dc = dc * f[t]
            dh = products.back(slope[t])
            if mask is not None:
                dh = dh * mask
        grads = [None] * len(tensors)
        if any(ctx.needs_input_grad[5:]):
            inputs = before_h if mask is None else before_h * mask
            grads = products.gradients(inputs.reshape(T * B, H), slope.view(T * B, 4 * H))
        return None, slope, dh, dc, None, *grads
