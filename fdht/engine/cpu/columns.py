"""A split applied with the sequences of a batch as columns, where its last part hands over few output modes.

With rows as rows, the products of the parts before Q are GEMMs with m_Q columns per row: inefficient for a small m_Q.
With sequences as columns they have m_Q B columns, and y comes out as (T, M, B), the layout of
`fdht.engine.through_time`. Only x Q is reordered.
"""

import torch
from torch import Tensor

from fdht.engine import contract, kernels
from fdht.engine.contract import Parts
from fdht.engine.costs import THIN
from fdht.engine.splits import Split


def accepts(split: Split, x: Tensor) -> bool:
    """Whether the products after that of x with Q are to be done with sequences as columns."""
    on_cpu = x.device.type == "cpu" and not torch.compiler.is_compiling()
    return on_cpu and split.columns < THIN and kernels.enabled("columns")


def apply_parts(parts: Parts, product: Tensor, steps: int, bias: Tensor | None) -> Tensor:
    """The parts before Q, from the last to the first, and the bias, applied to x Q (B T, n_P s m_Q).

    The T steps of a sequence follow each other. Returns (B, T, M), in memory (T, M, B).
    """
    state = product.view(-1, steps, product.shape[1]).permute(1, 2, 0).contiguous()  # (T, n_P s m_Q, B)
    B, first = state.shape[2], parts[0].shape[2]
    y = contract.apply_in_turn(parts, state, steps)  # (T, m_1, rest B)
    if bias is not None:  # in the shape of y: changing a view in place would cost autograd copies
        y.add_(bias.view(first, -1, 1).expand(-1, -1, B).reshape(first, -1))
    return y.view(steps, -1, B).permute(2, 0, 1)
