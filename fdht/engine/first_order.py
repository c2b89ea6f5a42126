"""Hand-written backward passes have no derivative: requesting one is an error, not a wrong number."""

from collections.abc import Callable
from functools import wraps

import torch
from torch.autograd.function import once_differentiable


def first_order(backward: Callable) -> Callable:
    """As torch's `once_differentiable`, which accepts create_graph=True if the incoming gradient is a constant."""
    once = once_differentiable(backward)

    @wraps(backward)
    def checked(ctx, *grads):
        if torch.is_grad_enabled():
            raise RuntimeError(
                "create_graph is True, but this layer has first derivatives only; expected create_graph=False"
            )
        return once(ctx, *grads)

    return checked
