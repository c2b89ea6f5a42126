"""Executes plans with torch: plain differentiable operations, for any device, dtype and compiler."""

import math
from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor

from fdht.engine import splits
from fdht.engine.cpu.merging import Merge, pairs
from fdht.engine.plans import Plan, sweep_steps
from fdht.engine.splits import Split
from fdht.network import Core, Network

Cores = dict[str, Tensor]
merge_order = torch.compiler.assume_constant_result(splits.merge_order)  # plain Python: not to be traced
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def einsum(inputs: Sequence[Sequence[str]], output: Sequence[str], *tensors: Tensor) -> Tensor:
    """torch.einsum with index names in place of letters."""
    letter = {index: LETTERS[k] for k, index in enumerate(dict.fromkeys(i for part in inputs for i in part))}
    equation = ",".join("".join(letter[i] for i in part) for part in inputs)
    return torch.einsum(f"{equation}->{''.join(letter[i] for i in output)}", *tensors)


def merge(parts: Sequence[tuple[str, ...]], tensors: Sequence[Tensor], keep: Sequence[str]) -> Tensor:
    """Contract tensors with indices `parts` to one with the indices `keep`, in that order."""
    sizes = {i: n for part, tensor in zip(parts, tensors, strict=True) for i, n in zip(part, tensor.shape, strict=True)}
    parts, tensors = list(parts), list(tensors)
    if len(parts) == 1:
        return einsum(parts, keep, tensors[0])
    for a, b, result in merge_order(parts, keep, sizes):
        product = einsum((parts[a], parts[b]), result, tensors[a], tensors[b])
        parts = [part for k, part in enumerate(parts) if k not in (a, b)] + [result]
        tensors = [tensor for k, tensor in enumerate(tensors) if k not in (a, b)] + [product]
    return tensors[0]


def _merge_cores(declared: Sequence[Core], cores: Cores, keep: Sequence[str]) -> Tensor:
    return merge([core.indices for core in declared], [cores[core.name] for core in declared], keep)


def dense(network: Network, cores: Cores) -> Tensor:
    """The reconstructed matrix W, (M, N)."""
    merged = _merge_cores(network.cores, cores, (*network.outputs, *network.inputs))
    return merged.reshape(network.output_size, network.input_size)


def halves(split: Split, cores: Cores) -> tuple[Tensor, Tensor]:
    """The merged halves P (n_P, s, m_P) and Q (n_Q, s, m_Q)."""
    n_p, m_p, s, n_q, m_q = split.shape
    first = _merge_half(split.first, cores, split.first_order).reshape(n_p, s, m_p)
    second = _merge_half(split.second, cores, split.second_order).reshape(n_q, s, m_q)
    return _one_dtype(first, second)


def _one_dtype(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Under autocast what was merged is in half precision, a single core is not."""
    dtype = reduce(torch.promote_types, (tensor.dtype for tensor in tensors))
    return tuple(tensor.to(dtype) for tensor in tensors)


def _merge_half(declared: Sequence[Core], cores: Cores, keep: Sequence[str]) -> Tensor:
    """`_merge_cores`, by hand where that is faster and may be done: eagerly on a CPU, in the dtype of the cores."""
    some = cores[declared[0].name]
    by_hand = some.device.type == "cpu" and not torch.compiler.is_compiling() and not torch.is_autocast_enabled("cpu")
    if not by_hand or len(declared) == 1:
        return _merge_cores(declared, cores, keep)
    parts = tuple(core.indices for core in declared)
    tensors = [cores[core.name] for core in declared]
    return Merge.apply(pairs(parts, tuple(tuple(tensor.shape) for tensor in tensors), tuple(keep)), *tensors)


def parts(plan: Plan, cores: Cores) -> tuple[Tensor, ...]:
    """The merged parts of a split: P and Q, or what a P that is cut again consists of, and Q; see `fdht.engine.splits`.

    Each is (n, bonds to the next part, what it gives to the part before): P (n_P, s, m_P), Q (n_Q, s, m_Q).
    """
    split, between = plan.split, plan.between
    if between is None:
        return halves(split, cores)
    (n, k, w), (n_1, s_1, m_1) = between.shape, between.first_shape
    (_, _, s, n_q, m_q) = split.shape
    return _one_dtype(
        _merge_half(between.first, cores, between.first_order).reshape(n_1, s_1, m_1),
        _merge_half(between.cores, cores, between.order).reshape(n, k, w),
        _merge_half(split.second, cores, between.second_order).reshape(n_q, s, m_q),
    )


def joined(before: Sequence[Tensor]) -> Tensor:
    """P (n_P, s, m_P) from what it consists of, where all bonds of the split end between the cuts."""
    if len(before) == 1:
        return before[0]
    (n_1, b, m_1), (n, s, w) = before[0].shape, before[1].shape
    P = torch.einsum("abm,nsbw->ansmw", before[0], before[1].reshape(n, s, b, w // b))
    return P.reshape(n_1 * n, s, m_1 * w // b)


def apply_parts(parts: Sequence[Tensor], x: Tensor, q_first: bool) -> Tensor:
    """x (rows, N) -> (rows, M), with the merged parts of a split."""
    *before, second = parts
    (n_q, s, m_q), rows = second.shape, x.shape[0]
    if q_first:
        return expand(before, x.reshape(-1, n_q) @ second.reshape(n_q, s * m_q), rows)
    (first,) = before
    n_p, _, m_p = first.shape
    inner = first.permute(2, 1, 0).reshape(m_p * s, n_p) @ x.reshape(rows, n_p, n_q)
    out = inner.view(rows * m_p, s * n_q) @ second.transpose(0, 1).reshape(s * n_q, m_q)
    return out.reshape(rows, m_p * m_q)


def expand(parts: Sequence[Tensor], state: Tensor, rows: int) -> Tensor:
    """What the product with Q leaves of each row, contracted with the other parts -> (rows, M)."""
    for part, lead in reversed(list(zip(parts, leads(parts), strict=True))):
        n, s, w = part.shape
        state = part.reshape(n * s, w).mT @ state.reshape(rows * lead, n * s, -1)
    return state.reshape(rows, -1)


def leads(parts: Sequence[Tensor]) -> list[int]:
    """For each part the number of products that it takes part in, for every row."""
    return [math.prod([earlier.shape[0] for earlier in parts[:k]]) for k in range(len(parts))]


def box(half: Tensor, modes: Sequence[int], starts: Sequence[int], sides: Sequence[int]) -> Tensor:
    """P (n_P, s, m_P), or Q, at the inputs of a box: n_P = prod(modes), cut to `sides` from `starts` on."""
    cut = half.view(*modes, *half.shape[1:])
    for axis, (start, side) in enumerate(zip(starts, sides, strict=True)):
        cut = cut.narrow(axis, start, side)
    return cut.reshape(-1, *half.shape[1:])


def sweep(plan: Plan, network: Network, cores: Cores, x: Tensor) -> Tensor:
    """The input contracted with one core after the other."""
    state, indices = x.reshape(-1, *network.input_modes), ("rows", *network.inputs)
    for core, after in sweep_steps(network, plan.path):
        state = einsum((indices, core.indices), ("rows", *after), state, cores[core.name])
        indices = ("rows", *after)
    state = einsum((indices,), ("rows", *network.outputs), state)
    return state.reshape(-1, network.output_size)


def columns(network: Network, cores: Cores, positions: Tensor) -> Tensor:
    """W[:, positions] as (len(positions), M), without rebuilding W: the cores are gathered at the positions.

    positions: (H,) int64 in 0..N-1.
    """
    parts, tensors, rest = [], [], positions
    at = {}
    for index, size in reversed(list(zip(network.inputs, network.input_modes, strict=True))):
        at[index], rest = rest % size, rest // size
    for core in network.cores:
        tensor, indices = cores[core.name], list(core.indices)
        held = [index for index in network.inputs if index in indices]
        if len(held) == 1:
            axis = indices.index(held[0])
            tensor, indices[axis] = tensor.index_select(axis, at[held[0]]), "position"
        elif held:  # one core with several input modes: not used by our formats
            raise ValueError(f"core {core.name} holds the input modes {held}; expected one at most")
        parts.append(tuple(indices))
        tensors.append(tensor)
    merged = merge(parts, tensors, ("position", *network.outputs))
    return merged.reshape(positions.numel(), network.output_size)


def sums(parts: Sequence[Tensor]) -> Tensor:
    """W 1, the sum over all inputs, (M,): what a constant added to every input contributes."""
    *before, second = (part.sum(0, keepdim=True) for part in parts)
    return expand(before, second, 1).flatten()
