"""Products of raw pixels with a float matrix in integer arithmetic, on CPUs that multiply bytes.

B = scale (65536 d2 + 256 d1 + d0), with a scale per column and digits d in int8: see README.md in fdht/engine.
"""

from functools import cache, reduce

import torch
from torch import Tensor
from torch.autograd import Function

from fdht.engine import kernels
from fdht.engine.costs import DIGITS, SHORTEST

LARGEST = 2**22 - 2**16  # an integer i of three digits, however it was rounded
UNITS = 3 * 2**22  # the last bit of UNITS + i as a float32 counts units: adding rounds to an integer
UNITS_BITS = 0x4B400000  # the bits of UNITS as a float32; those of UNITS + i are UNITS_BITS + i
HALVES = 0x8080  # with that added, the two lower bytes of i are 128 + d0 and 128 + d1, which one XOR makes digits
LONGEST = (2**31 - 1) // (255 * 128)  # terms of a sum that int32 holds
BLOCK = 2**18  # elements that are split at a time: they stay in the cache
SUMS = 2**20  # sums of products at a time: they stay in the cache, too
WIDTH = 16  # a product of bytes with a multiple of this many columns is up to a quarter faster
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


def accepts(x: Tensor) -> bool:
    """Whether `x` is raw pixels on a CPU that multiplies bytes."""
    on_cpu = x.device.type == "cpu" and x.dtype == torch.uint8
    return on_cpu and not torch.compiler.is_compiling() and kernels.enabled("integers") and available()


def worthwhile(Q: Tensor) -> bool:
    """Whether a matrix (n, w) is float32, and its sums are long enough to save time and short enough to be exact."""
    return Q.dtype == torch.float32 and SHORTEST <= len(Q) <= LONGEST


class BytesProduct(Function):
    """x (rows, n) uint8, Q (n, w) float32 -> x Q (rows, w). Derivatives by Q only."""

    @staticmethod
    def forward(ctx, x, Q):
        ctx.save_for_backward(x)
        return multiply(x, split(Q), Q.new_empty(len(x), Q.shape[1]))

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        if torch.is_grad_enabled():  # of create_graph: the gradient must be differentiable
            return None, x.mT.to(grad.dtype) @ grad
        products = (
            multiply(rows.mT, split(of_rows), grad.new_empty(x.shape[1], grad.shape[1]))
            for rows, of_rows in zip(x.split(LONGEST), grad.split(LONGEST), strict=True)
        )
        return None, reduce(Tensor.add_, products)


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


def multiply(a: Tensor, b: Digits, out: Tensor) -> Tensor:
    """out (R, N) float32 = a (R, K) uint8 @ b (K, N), K at most LONGEST. `a` may be transposed in memory."""
    (digits, scale), N = b, out.shape[1]
    chunk = min(len(a), max(1, SUMS // digits.shape[1]))
    sums = torch.empty(chunk, digits.shape[1], dtype=torch.int32)
    for rows, product in zip(a.split(chunk), out.split(chunk), strict=True):
        if 1 in rows.shape:  # _int_mm misreads the strides of a single row or column
            rows = rows.reshape(-1).view(rows.shape)
        found = torch._int_mm(rows, digits, out=sums[: len(rows)])[:, : DIGITS * N]
        d0, d1, d2 = found.view(scale.dtype).copy_(found).split(N, 1)  # converted where they are
        d0.add_(d1.add_(d2, alpha=256), alpha=256)
        torch.mul(d0, scale, out=product)  # once: it is not in the cache yet
    return out


def _width(columns: int) -> int:
    return -(-DIGITS * columns // WIDTH) * WIDTH


def _largest(b: Tensor) -> Tensor:
    """The largest absolute value of each column; rows of few columns are reduced several at a time."""
    K, N = b.shape
    together = max(1, REDUCED // N)
    wide = b.reshape(-1, N if K % together else together * N)
    return wide.abs().amax(0).view(-1, N).amax(0)
