"""Contraction of tensor networks with torch: plain differentiable operations, for any device, dtype and compiler.

`Cores` are the tensors of a network by their names. `Parts` are the merged parts of a split, each (n, k, w), see
`fdht.engine.splits.Part`.
"""

import math
import string
from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor
from torch.autograd import Function

from fdht.engine import plans
from fdht.engine.plans import Path
from fdht.engine.splits import Split
from fdht.network import Core, Network

Cores = dict[str, Tensor]
Parts = Sequence[Tensor]
merge_order = plans.merge_order
# plain Python, not to be traced: as by torch.compiler.assume_constant_result, which would import torch._dynamo
merge_order._dynamo_marked_constant = True  # type: ignore[attr-defined]
SMALL, FEWEST = 2**20, 16  # elements of all products, and terms of each, to add them up one by one


def einsum(operands: Sequence[Sequence[str]], result: Sequence[str], *tensors: Tensor) -> Tensor:
    """torch.einsum with index names in place of letters."""
    indices = dict.fromkeys(i for part in operands for i in part)
    letter = {index: string.ascii_letters[place] for place, index in enumerate(indices)}
    equation = ",".join("".join(letter[i] for i in part) for part in operands)
    return torch.einsum(f"{equation}->{''.join(letter[i] for i in result)}", *tensors)


def merge(operands: Sequence[tuple[str, ...]], tensors: Sequence[Tensor], result: Sequence[str]) -> Tensor:
    """Contract tensors with the indices `operands` to one with the indices `result`, in that order."""
    if len(operands) == 1:
        return einsum(operands, result, tensors[0])
    sizes = {
        i: n for part, tensor in zip(operands, tensors, strict=True) for i, n in zip(part, tensor.shape, strict=True)
    }
    operands, tensors = list(operands), list(tensors)
    for a, b, indices in merge_order(tuple(operands), result, sizes):
        tensors.append(einsum((operands[a], operands[b]), indices, tensors[a], tensors[b]))
        operands.append(indices)
    return tensors[-1]


def _merge_cores(group: Sequence[Core], cores: Cores, result: Sequence[str]) -> Tensor:
    return merge([core.indices for core in group], [cores[core.name] for core in group], result)


def dense(network: Network, cores: Cores) -> Tensor:
    """The reconstructed matrix W, (M, N)."""
    merged = _merge_cores(network.cores, cores, (*network.outputs, *network.inputs))
    return merged.reshape(network.output_size, network.input_size)


def columns_of(network: Network, cores: Cores, positions: Tensor) -> Tensor:
    """W[:, positions], (M, H), without rebuilding W: the cores are gathered at the positions, (H,) int64 in 0..N-1."""
    at, rest = {}, positions
    for index, size in reversed(list(zip(network.inputs, network.input_modes, strict=True))):
        at[index], rest = rest % size, rest // size
    operands, tensors = [], []
    for core in network.cores:
        tensor, indices = cores[core.name], list(core.indices)
        for axis, index in enumerate(core.indices):
            if index in at:
                tensor, indices[axis] = tensor.index_select(axis, at[index]), "position"
        operands.append(tuple(indices))
        tensors.append(tensor)
    merged = merge(operands, tensors, ("position", *network.outputs))
    return merged.reshape(positions.numel(), network.output_size).mT


def merge_parts(split: Split, cores: Cores) -> tuple[Tensor, ...]:
    """The parts of a split, (n, k, w) each."""
    merged = [_merge_cores(part.cores, cores, part.indices).reshape(part.shape) for part in split.parts]
    # under autocast a product is in half precision, a single core is not
    dtype = reduce(torch.promote_types, (tensor.dtype for tensor in merged))
    return tuple(tensor.to(dtype) for tensor in merged)


def apply_in_turn(parts: Parts, state: Tensor, rows: int) -> Tensor:
    """Parts from the last to the first: state (rows, n_1 .. n_l k_l columns) -> (rows, w_1, columns)."""
    device = state.device.type
    by_hand = device in ("cpu", "cuda") and not torch.compiler.is_compiling() and not torch.is_autocast_enabled(device)
    for part, lead in reversed(list(zip(parts, leads(parts), strict=True))):
        matrix = part.flatten(0, 1)  # (n k, w)
        state = state.reshape(rows * lead, len(matrix), -1)  # (rows lead, n k, columns)
        if by_hand:
            state = SharedMatrix.apply(matrix, state)  # (rows lead, w, columns)
        else:
            state = torch.bmm(matrix.mT.expand(rows * lead, -1, -1), state)
    return state


class SharedMatrix(Function):
    """A matrix (K, w) transposed times each state (R, K, columns) -> (R, w, columns).

    As `bmm` of the expanded matrix, but its gradient does not hold R large matrices at a time.
    """

    @staticmethod
    def forward(ctx, matrix, state):
        ctx.save_for_backward(matrix, state)
        return torch.bmm(matrix.mT.expand(len(state), -1, -1), state)

    @staticmethod
    def backward(ctx, grad):
        (matrix, state), grad = ctx.saved_tensors, grad.contiguous()
        return sum_of_products(state, grad), torch.bmm(matrix.expand(len(state), -1, -1), grad)


def sum_of_products(a: Tensor, b: Tensor) -> Tensor:
    """The sum over k of a_k b_kᵀ: a (K, M, B), b (K, N, B) -> (M, N); one GEMM on reordered matrices unless the
    products are small."""
    (K, M, B), N = a.shape, b.shape[1]
    if B >= FEWEST and K * M * N <= SMALL:
        return torch.bmm(a, b.mT).sum(0)
    return a.transpose(0, 1).flatten(1) @ b.transpose(0, 1).flatten(1).mT


def leads(parts: Parts) -> list[int]:
    """For each part the number of products per row: the input modes of the parts before it."""
    return [math.prod([earlier.shape[0] for earlier in parts[:k]]) for k in range(len(parts))]


def join_parts(parts: Parts) -> Tensor:
    """W (M, N) from the parts of a split, none of whose bonds passes a part."""
    joined = parts[0].permute(2, 0, 1)  # (m_1, n_1, s_1)
    for part in parts[1:]:
        (m, n_before, bond), (n, k, w) = joined.shape, part.shape
        joined = torch.einsum("mab,nkbw->mwank", joined, part.reshape(n, k, bond, w // bond))
        joined = joined.reshape(m * w // bond, n_before * n, k)
    return joined.squeeze(2)


def box_of(part: Tensor, modes: Sequence[int], starts: Sequence[int], sides: Sequence[int]) -> Tensor:
    """A part (n, k, w), n = prod(modes), at the input modes `starts` to `starts + sides` only."""
    box = tuple(slice(start, start + side) for start, side in zip(starts, sides, strict=True))
    return part.view(*modes, *part.shape[1:])[box].reshape(-1, *part.shape[1:])


def row_sums(parts: Parts) -> Tensor:
    """W 1, (M,): what a constant added to every input contributes."""
    *before, Q = (part.sum(0, keepdim=True) for part in parts)
    return apply_in_turn(before, Q, 1).flatten()


def sweep(network: Network, path: Path, tensors: Sequence[Tensor], x: Tensor) -> Tensor:
    """x (rows, N) contracted with one core of `tensors` after the other -> (rows, M)."""
    state, indices = x.reshape(-1, *network.input_modes), ("rows", *network.inputs)
    for k, after in path:
        state = einsum((indices, network.cores[k].indices), ("rows", *after), state, tensors[k])
        indices = ("rows", *after)
    return einsum((indices,), ("rows", *network.outputs), state).reshape(-1, network.output_size)
