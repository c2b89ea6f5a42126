"""The arguments of a recurrent layer's call, checked before any computation."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def either(**names: Any) -> Any:
    """The argument that has these names, or None if it is not given. Raises ValueError if several of them are given."""
    given = [name for name, value in names.items() if value is not None]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)} are given; expected one of them")
    return names[given[0]] if given else None


def autocast(x: Tensor) -> bool:
    """Whether autocast takes x whatever its dtype; the device meta has none."""
    return x.is_floating_point() and not x.is_meta and torch.is_autocast_enabled(x.device.type)


def single(x: Any, size: int, dtype: torch.dtype, batch_first: bool) -> bool:
    """Whether x is a single sequence (T, D). Raises ValueError for an x of a wrong shape, dtype or type.

    Under autocast, x of any floating dtype is accepted.
    """
    layout = "(B, T, D)" if batch_first else "(T, B, D)"
    if not isinstance(x, Tensor):
        raise ValueError(f"x is a {type(x).__name__}; expected a tensor {layout} or a PackedSequence")
    if x.dim() not in (2, 3) or x.shape[-1] != size or 0 in x.shape:
        raise ValueError(f"x has the shape {tuple(x.shape)}; expected {layout} or (T, D), not empty, D = {size}")
    if x.dtype not in (dtype, torch.uint8) and not autocast(x):
        raise ValueError(f"x is {x.dtype}; expected {dtype}, the dtype of the weights, or torch.uint8")
    return x.dim() == 2


def initial_state(state: Any, names: Sequence[str], shape: tuple[int, ...], dtype: torch.dtype) -> list[Tensor] | None:
    """The tensors of a state, of `shape` each and in `dtype`, or None for no state.

    names: h, and c for an LSTM. Under autocast, states in half precision are accepted.
    Raises ValueError for a wrong number of tensors, shape or dtype.
    """
    if state is None:
        return None
    parts = list(state) if isinstance(state, (tuple, list)) else [state]
    if len(parts) != len(names):
        raise ValueError(f"initial_state has {len(parts)} part(s); expected {', '.join(names)}")
    for name, part in zip(names, parts, strict=True):
        if not isinstance(part, Tensor):
            raise ValueError(f"initial_state: {name} is a {type(part).__name__}; expected a tensor {shape}")
        if tuple(part.shape) != shape:
            raise ValueError(f"initial_state: {name} has the shape {tuple(part.shape)}; expected {shape}")
        if part.dtype != dtype and not autocast(part):
            raise ValueError(f"initial_state: {name} is {part.dtype}; expected {dtype}, the dtype of the weights")
    return [part.to(dtype) for part in parts]


def lengths(given: Any, B: int, T: int, device: torch.device) -> Tensor:
    """The lengths of sequences as a tensor (B,) on `device`. Raises ValueError unless they are B integers in 1..T."""
    try:
        steps = torch.as_tensor(given)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"lengths is {given!r}; expected {B} integers") from None
    if steps.shape != (B,) or steps.dtype not in INTEGERS:
        raise ValueError(f"lengths has the shape {tuple(steps.shape)} and is {steps.dtype}; expected {B} integers")
    capturing = steps.is_cuda and torch.cuda.is_current_stream_capturing()  # a CUDA graph, which may not wait
    if not torch.compiler.is_compiling() and not capturing and bool(((steps < 1) | (steps > T)).any()):
        raise ValueError(f"lengths is {steps.tolist()}; expected values in 1..{T}")
    return steps.to(device, torch.int64)
