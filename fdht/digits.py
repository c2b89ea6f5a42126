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

LARGEST = 2**22 - 2**16  # an integer i of three digits, however it was rounded
UNITS = 3 * 2**22  # UNITS + i is a float32 whose last bit counts units, so adding rounds, and its bits are
UNITS_BITS = 0x4B400000  # UNITS_BITS + i
HALVES = 0x8080  # with that added, the two lower bytes of i are 128 + d0 and 128 + d1, which one XOR makes digits
LONGEST = (2**31 - 1) // (255 * 128)  # summands that int32 holds
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
    (K, N), rest = b.shape, torch.empty_like(b, memory_format=torch.contiguous_format)
    scale = _largest(b, rest).div_(LARGEST).clamp_(min=torch.finfo(b.dtype).tiny)  # columns of zeros, or as good as
    digits = torch.empty(K, _width(N), dtype=torch.int8)
    digits[:, DIGITS * N :] = 0
    torch.addcmul(b.new_tensor(UNITS), b, scale.reciprocal(), out=rest)  # rounds to an integer, see UNITS
    integers = rest.view(torch.int32).sub_(UNITS_BITS - HALVES).bitwise_xor_(HALVES)
    for place, column in enumerate(digits[:, : DIGITS * N].split(N, 1)):
        column.copy_(integers if place == 0 else integers.bitwise_right_shift_(8))  # the lowest byte
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
    d0.add_(d1.add_(d2, alpha=256), alpha=256)
    return torch.mul(d0, scale, out=out)  # once: it does not lie in the cache yet


def _width(columns: int) -> int:
    return -(-DIGITS * columns // WIDTH) * WIDTH


def _largest(b: Tensor, room: Tensor) -> Tensor:
    """The largest absolute value of each column; rows of few columns are reduced several at a time."""
    K, N = b.shape
    together = max(1, REDUCED // N)
    if K % together:
        together = 1
    wide = torch.abs(b, out=room).view(K // together, together * N)
    return wide.amax(0).view(together, N).amax(0)
