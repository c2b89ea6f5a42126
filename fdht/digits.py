"""Products of bytes with a float matrix in integer arithmetic, on CPUs that multiply bytes.

A column of B is a scale times integers of 24 bits, and such an integer is three digits to the base 256, each of which
an int8 holds: B = scale (65536 d2 + 256 d1 + d0). With A uint8 the products A d are sums of integers, exact in int32.
So A is read as it lies, a byte a number, and never converted to floats; with the dot products of bytes that these
CPUs have, three such products take half the time of one in float32 (benchmarks/README.md). Only B is rounded, by less
than 1e-7 of the largest entry of its column.
"""

from functools import cache

import torch
from torch import Tensor

from fdht.plans import DIGITS

LARGEST = 2**23 - 2**16  # an integer of three digits, however it was rounded
LONGEST = (2**31 - 1) // (255 * 128)  # summands that int32 holds
BLOCK = 2**18  # elements that are split at a time: they stay in the cache
WIDTH = 16  # a product of bytes with a multiple of so many columns is up to a quarter faster
REDUCED = 256  # columns that a reduction over rows wants at least

Digits = tuple[Tensor, Tensor]


@cache
def available() -> bool:
    """Whether this CPU multiplies bytes exactly: the instructions of AVX512-VNNI or AMX.

    Older ones are emulated, slowly and with sums that overflow silently, so the largest sum is tried once.
    """
    if not getattr(torch.cpu, "_is_vnni_supported", lambda: False)():
        return False
    try:
        a = torch.full((32, LONGEST), 255, dtype=torch.uint8)
        b = torch.full((LONGEST, 32), -128, dtype=torch.int8)
        return bool((torch._int_mm(a, b) == -255 * 128 * LONGEST).all())
    except RuntimeError:  # a release of torch without this product
        return False


def split(b: Tensor) -> Digits:
    """b (K, N) as digits (K, 3 N and zeros), d0 of all columns first, and the scale (N,) of each column."""
    (K, N), scale = b.shape, _largest(b).div_(LARGEST)
    scale.clamp_(min=torch.finfo(b.dtype).tiny)  # columns of zeros, or as good as
    digits, factor = torch.empty(K, _width(N), dtype=torch.int8), scale.reciprocal()
    digits[:, DIGITS * N :] = 0
    block = max(1, BLOCK // N)
    for rows, places in zip(b.split(block), digits.split(block), strict=True):
        rest = torch.mul(rows, factor).round_().to(torch.int32)
        for place, column in enumerate(places[:, : DIGITS * N].split(N, 1)):
            if place:
                rest.add_(128).bitwise_right_shift_(8)
            column.copy_(rest)  # the lowest byte, as a number in -128..127
    return digits, scale


def room(rows: int, columns: int) -> Tensor:
    """What `multiply` needs beside a result of so many rows and columns."""
    return torch.empty(rows * _width(columns), dtype=torch.int32)


def multiply(a: Tensor, b: Digits, out: Tensor, sums: Tensor) -> Tensor:
    """out (R, N) float32 = a (R, K) uint8 @ b (K, N), K at most LONGEST. `a` may be transposed in memory.

    sums: `room` for R rows at least; used again it stays in the cache.
    """
    (digits, scale), (R, N) = b, out.shape
    if 1 in a.shape:  # plain strides: other ones of a single row or column are read wrongly
        a = a.reshape(-1).view(a.shape)
    width = digits.shape[1]
    sums = sums[: R * width].view(R, width)
    torch._int_mm(a, digits, out=sums)
    sums = sums[:, : DIGITS * N]
    d0, d1, d2 = sums.view(scale.dtype).copy_(sums).split(N, 1)  # converted where they are
    torch.add(d1, d2, alpha=256, out=out)
    return torch.add(d0, out, alpha=256, out=out).mul_(scale)


def _width(columns: int) -> int:
    return -(-DIGITS * columns // WIDTH) * WIDTH


def _largest(b: Tensor) -> Tensor:
    """The largest absolute value of each column; rows of few columns are reduced several at a time."""
    K, N = b.shape
    together = max(1, REDUCED // N)
    if K % together or not b.is_contiguous():
        together = 1
    wide = b.reshape(K // together, together * N)
    return wide.abs().amax(0).view(together, N).amax(0)
