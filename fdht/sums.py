"""The gradient of a matrix that many products share."""

from torch import Tensor, bmm

FEW = 2**20  # elements of all products together


def over_batch(a: Tensor, b: Tensor) -> Tensor:
    """The sum over k of a_k b_kᵀ: a (K, M, B), b (K, N, B) -> (M, N).

    As one GEMM on reordered matrices, or, where they are small and B is large enough, as K products and their sum.
    """
    (K, M, B), N = a.shape, b.shape[1]
    if B >= 16 and K * M * N <= FEW:
        return bmm(a, b.mT).sum(0)
    return a.transpose(0, 1).reshape(M, -1) @ b.transpose(0, 1).reshape(N, -1).mT
