"""The gradient of a matrix that many products share."""

from torch import Tensor, addbmm, bmm

FEW = 2**20  # elements of all products together
LONG = 256  # columns


def over_batch(a: Tensor, b: Tensor) -> Tensor:
    """The sum over k of a_k b_kᵀ: a (K, M, B), b (K, N, B) -> (M, N).

    As K products and their sum, where they are small and B is large enough; as products added up one by one, where B
    is so large that reading and writing the sum does not matter (a GPU prefers a single one); else as one GEMM on
    reordered matrices.
    """
    (K, M, B), N = a.shape, b.shape[1]
    if B >= 16 and K * M * N <= FEW:
        return bmm(a, b.mT).sum(0)
    if B >= LONG and a.device.type == "cpu":
        return addbmm(a.new_empty(M, N), a, b.mT, beta=0)
    return a.transpose(0, 1).reshape(M, -1) @ b.transpose(0, 1).reshape(N, -1).mT
