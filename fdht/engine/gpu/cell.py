"""The element-wise operations of an LSTM's step as one kernel, and those of its backward step as two.

torch compiles them for the GPU at the first call (torch.cuda.jiterator). States are columns (H, B).
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.cuda import jiterator

from fdht.engine import kernels

STEP = """
template <typename T> void step(T i, T f, T g, T o, T c, T& next_c, T& next_h) {
    const T one = T(1);
    next_c = c / (one + exp(-f)) + tanh(g) / (one + exp(-i));
    next_h = tanh(next_c) / (one + exp(-o));
}"""
# of one gate; `through` is d c / d h, `kept` the mask on h, `of_o` 1 for the gate that acts on h and 0 for the others
OF_GATES = """
template <typename T> T of_gates(T slope, T dh, T kept, T grad_h, T dc, T through, T of_o) {
    const T h = dh * kept + grad_h;
    return slope * (of_o != T(0) ? h : dc + h * through);
}"""
OF_C = """
template <typename T> T of_c(T dh, T kept, T grad_h, T dc, T through, T f) {
    return (dc + (dh * kept + grad_h) * through) * f;
}"""


class Kernels(NamedTuple):
    """step: (i, f, g, o, c) before the activations -> c, h. of_gates, of_c: the gradients of the gates and of the c
    before, from those of h and c."""

    step: Callable[..., Sequence[Tensor]]
    of_gates: Callable[..., Tensor]
    of_c: Callable[..., Tensor]


@cache
def compiled() -> Kernels:
    single: Any = jiterator._create_jit_fn
    several: Any = jiterator._create_multi_output_jit_fn
    return Kernels(several(STEP, num_outputs=2), single(OF_GATES), single(OF_C))


def accepts(gates: Tensor) -> bool:
    """Whether the kernels compute these gates."""
    return gates.is_cuda and gates.dtype in (torch.float32, torch.float64) and kernels.enabled("fused_cell")
