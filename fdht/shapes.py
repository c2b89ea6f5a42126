"""Validate modes, ranks and numbers for all formats; factorise sizes. Does not import torch."""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any


def natural(name: str, value: Any) -> int:
    """Return `value` as a positive int; raise ValueError naming the argument if it is not one."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or int(value) < 1:
        raise ValueError(f"{name} is {value!r}; expected an integer of at least 1")
    return int(value)


def naturals(name: str, values: Any) -> tuple[int, ...]:
    """Return `values` as a non-empty tuple of positive ints; raise ValueError if they are not."""
    values = values.tolist() if hasattr(values, "tolist") else values  # arrays and tensors
    if isinstance(values, (str, bytes, dict)) or not isinstance(values, Sequence) or len(values) == 0:
        raise ValueError(f"{name} is {values!r}; expected a list of integers of at least 1")
    return tuple(natural(f"{name}[{k}]", value) for k, value in enumerate(values))


def modes(name: str, values: Any, size: int, size_name: str) -> tuple[int, ...]:
    """Return `values` as modes whose product is `size`; `size_name` is what the error message calls `size`."""
    values = naturals(name, values)
    if math.prod(values) != size:
        raise ValueError(f"{name} {list(values)} multiply to {math.prod(values)}; expected {size_name} = {size}")
    return values


def paired(input_modes: Sequence[int], output_modes: Sequence[int]) -> None:
    """Raise ValueError unless there are as many output modes as input modes."""
    if len(output_modes) != (d := len(input_modes)):
        given = f"output_modes {list(output_modes)} are {len(output_modes)} modes"
        raise ValueError(f"{given}; expected {d}, one for each of input_modes {list(input_modes)}")


def choice(name: str, value: Any, known: Sequence[str]) -> str:
    """Return `value` if it is one of `known`; otherwise raise ValueError."""
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} is {value!r}; expected one of {', '.join(known)}")
    return value


def number(name: str, value: Any, *, above: float | None = None) -> float:
    """Return `value` as a float; raise ValueError unless it is finite and greater than `above`."""
    if not isinstance(value, (int, float)) and getattr(value, "ndim", None) == 0:
        value = value.item()  # scalars of numpy and torch
    if isinstance(value, bool) or not isinstance(value, Real) or not -math.inf < float(value) < math.inf:
        raise ValueError(f"{name} is {value!r}; expected a finite number")
    if above is not None and value <= above:
        raise ValueError(f"{name} is {value!r}; expected a number above {above:g}")
    return float(value)


def factorise(size: int, order: int) -> tuple[int, ...]:
    """Return `order` factors of `size`, roughly equal (greedy, not optimal), largest first.

    Each prime factor, from the largest, goes to the smallest product so far. Factors may be 1.
    """
    factors = [1] * order
    for prime in reversed(_primes(size)):
        factors[factors.index(min(factors))] *= prime
    return tuple(sorted(factors, reverse=True))


def _primes(size: int) -> list[int]:
    primes, divisor = [], 2
    while divisor * divisor <= size:
        while size % divisor == 0:
            primes.append(divisor)
            size //= divisor
        divisor += 1
    return primes + ([size] if size > 1 else [])
