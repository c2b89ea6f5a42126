"""Merging cores pair by pair with the backward pass by hand: each pair is one GEMM, its gradients are two.

The cores are so small that what einsum and autograd do around their products takes several times as long as the
products.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.autograd import Function

from fdht.engine.first_order import first_order
from fdht.engine.splits import merge_order

Indices = tuple[str, ...]


@dataclass(frozen=True)
class Side:
    """A tensor (of `shape`) as a batch of matrices (of `matrices`) and back, by permutations of its axes."""

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    matrices: tuple[int, int, int]

    @staticmethod
    def of(indices: Indices, order: Sequence[Indices], sizes: dict[str, int]) -> "Side":
        """`order`: the indices of the batch, of the rows and of the columns."""
        axes = tuple(indices.index(index) for part in order for index in part)
        matrices = tuple(math.prod(sizes[index] for index in part) for part in order)
        return Side(tuple(sizes[index] for index in indices), axes, matrices)

    def matrix(self, tensor: Tensor) -> Tensor:
        return tensor.permute(self.axes).reshape(self.matrices)

    def tensor(self, matrix: Tensor) -> Tensor:
        back = sorted(range(len(self.axes)), key=self.axes.__getitem__)
        return matrix.view([self.shape[axis] for axis in self.axes]).permute(back)


@dataclass(frozen=True)
class Pair:
    """Operands a < b of a list, to be replaced by their product at its end: a (batch, left, summed) @ b (batch,
    summed, right)."""

    a: int
    b: int
    left: Side
    right: Side
    product: Side


@lru_cache(maxsize=1024)
def pairs(parts: tuple[Indices, ...], shapes: tuple[tuple[int, ...], ...], keep: Indices) -> tuple[Pair, ...]:
    """How to merge tensors with indices `parts` and of `shapes` to one with the indices `keep`.

    Every index is in `keep` or in two of the parts at least.
    """
    sizes = {i: n for part, shape in zip(parts, shapes, strict=True) for i, n in zip(part, shape, strict=True)}
    operands, found = list(parts), []
    for a, b, result in merge_order(parts, keep, sizes):
        first, second = operands[a], operands[b]
        # in the order of the result, which then has long runs to be copied
        batch = tuple(i for i in result if i in first and i in second)
        left, right = (tuple(i for i in result if i in part and i not in batch) for part in (first, second))
        summed = tuple(i for i in first if i not in result)
        sides = (
            Side.of(indices, order, sizes)
            for indices, order in (
                (first, (batch, left, summed)),
                (second, (batch, summed, right)),
                (result, (batch, left, right)),
            )
        )
        found.append(Pair(a, b, *sides))
        operands = [operand for k, operand in enumerate(operands) if k not in (a, b)] + [result]
    return tuple(found)


class Merge(Function):
    """(pairs, *tensors) -> the merged tensor."""

    @staticmethod
    def forward(ctx, pairs, *tensors):
        operands, matrices = list(tensors), []
        for pair in pairs:
            b, a = operands.pop(pair.b), operands.pop(pair.a)
            matrices += pair.left.matrix(a), pair.right.matrix(b)
            operands.append(pair.product.tensor(torch.bmm(*matrices[-2:])))
        ctx.save_for_backward(*matrices)
        ctx.pairs = pairs
        return operands[0].contiguous()

    @staticmethod
    @first_order
    def backward(ctx, grad):
        grads, matrices = [grad], list(ctx.saved_tensors)
        for pair in reversed(ctx.pairs):
            right, left = matrices.pop(), matrices.pop()
            of_product = pair.product.matrix(grads.pop())
            grads.insert(pair.a, pair.left.tensor(torch.bmm(of_product, right.mT)))
            grads.insert(pair.b, pair.right.tensor(torch.bmm(left.mT, of_product)))
        return None, *grads
