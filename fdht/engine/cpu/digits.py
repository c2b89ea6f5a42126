"""Products of bytes with a float matrix in integer arithmetic, on CPUs that multiply bytes.

A column of B is a scale times integers of 23 bits, and such an integer is three digits to the base 256, each of which
an int8 holds: B = scale (65536 d2 + 256 d1 + d0). With A uint8 the products A d are sums of integers, exact in int32.
So A is read as it lies, a byte a number, and never converted to floats; with the dot products of bytes that these
CPUs have, three such products take half the time of one in float32 (benchmarks/README.md). Only B is rounded, by less
than 2^-22 of the largest entry of its column: float32 itself has steps of 2^-23.
"""

from functools import cache

import torch
from torch import Tensor

from fdht.engine.plans import DIGITS

LARGEST = 2**22 - 2**16  # an integer i of three digits, however it was rounded
UNITS = 3 * 2**22  # the last bit of UNITS + i as a float32 counts units: adding rounds to an integer
UNITS_BITS = 0x4B400000  # those of UNITS as a float32; those of UNITS + i are UNITS_BITS + i
HALVES = 0x8080  # with that added, the two lower bytes of i are 128 + d0 and 128 + d1, which one XOR makes digits
LONGEST = (2**31 - 1) // (255 * 128)  # summands that int32 holds
BLOCK = 2**18  # elements that are split at a time: they stay in the cache
SUMS = 2**20  # of bytes at a time: so do they
WIDTH = 16  # a product of bytes with a multiple of so many columns is up to a quarter faster
REDUCED = 1024  # columns that a reduction over rows wants at least

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
    digits, factor, units = torch.empty(K, _width(N), dtype=torch.int8), scale.reciprocal(), b.new_tensor(UNITS)
    digits[:, DIGITS * N :] = 0
    block = max(1, BLOCK // N)
    buffer = b.new_empty(min(block, K), N)
    for rows, places in zip(b.split(block), digits.split(block), strict=True):
        rounded = torch.addcmul(units, rows, factor, out=buffer[: len(rows)])  # see UNITS
        integers = rounded.view(torch.int32).sub_(UNITS_BITS - HALVES).bitwise_xor_(HALVES)
        for place, column in enumerate(places[:, : DIGITS * N].split(N, 1)):
            column.copy_(integers if place == 0 else integers.bitwise_right_shift_(8))  # the lowest byte
    return digits, scale


def multiply(a: Tensor, b: Digits, out: Tensor, sums: Tensor | None = None) -> Tensor:
    """out (R, N) float32 = a (R, K) uint8 @ b (K, N), K at most LONGEST. `a` may be transposed in memory.

    sums: `room` for out, else made here; used again it stays in the cache.
    """
    (digits, scale), N = b, out.shape[1]
    sums = room(*out.shape) if sums is None else sums
    for rows, product in zip(a.split(len(sums)), out.split(len(sums)), strict=True):
        if 1 in rows.shape:  # plain strides: other ones of a single row or column are read wrongly
            rows = rows.reshape(-1).view(rows.shape)
        found = torch._int_mm(rows, digits, out=sums[: len(rows)])[:, : DIGITS * N]
        d0, d1, d2 = found.view(scale.dtype).copy_(found).split(N, 1)  # converted where they are
        d0.add_(d1.add_(d2, alpha=256), alpha=256)
        torch.mul(d0, scale, out=product)  # once: it does not lie in the cache yet
    return out


def room(rows: int, columns: int) -> Tensor:
    """Sums of bytes for a result of so many rows and columns, or for as many of its rows as the cache holds."""
    width = _width(columns)
    return torch.empty(min(rows, max(1, SUMS // width)), width, dtype=torch.int32)


def _width(columns: int) -> int:
    return -(-DIGITS * columns // WIDTH) * WIDTH


def _largest(b: Tensor) -> Tensor:
    """The largest absolute value of each column; rows of few columns are reduced several at a time."""
    K, N = b.shape
    together = max(1, REDUCED // N)
    if K % together or not b.is_contiguous():
        together = 1
    wide = b.reshape(K // together, together * N)
    return torch.maximum(wide.amax(0), wide.amin(0).neg_()).view(together, N).amax(0)
