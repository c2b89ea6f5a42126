"""The recurrent part of the pre-activations: U (G H, H), dense or in parts, applied to states in columns.

A U that is stored as a tensor network is applied in the parts of a split at every step, or rebuilt once per call,
whichever is estimated to cost less.

States are (H, B), with a sequence per column: the gates of (G H, B) and the products with parts are contiguous, and a
product with a wide U and few sequences takes half the time.

`DenseProducts` and `PartProducts` are the products of a recurrence, for B sequences and T steps:
- room: uninitialised memory for the intermediate states of this many steps, (T, ...) each.
- add: gates (G H, B) += U h, in place and in their dtype, also under autocast. Fills `between`, one step's room.
- back: the gradient of the gates -> that of h (H, B). Fills `grad_between`, one step's room.
- gradients: those of the tensors from all steps at once: h (T, H, B), the gradient of the gates (T, G H, B).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from fdht.engine import contract, kernels
from fdht.engine.contract import Cores
from fdht.engine.costs import MACHINES, cost
from fdht.engine.plans import Plan
from fdht.engine.splits import Split, splits
from fdht.network import Network

BLOCKS = 8  # of U
TRACED = (16, 8)  # sequences and steps that a compiled graph is planned for
OPERATIONS = 6  # per step, more for the parts than for one product with U
States = Sequence[Tensor]


@dataclass
class Recurrence:
    """U itself, (G H, H), as the only tensor; or the parts of a split of it, (n, k, w) each.

    Called with h (B, H), it returns h Uᵀ by differentiable operations.
    """

    tensors: tuple[Tensor, ...]

    def __call__(self, h: Tensor) -> Tensor:
        if len(self.tensors) == 1:
            return h @ self.tensors[0].mT
        Q = self.tensors[-1].flatten(0, 1)  # (n_Q, s m_Q)
        rows = h.shape[0]  # not len(h), which a compiler would take for a constant
        return contract.apply_in_turn(self.tensors[:-1], h.reshape(-1, len(Q)) @ Q, rows).reshape(rows, -1)

    def products(self) -> "DenseProducts | PartProducts":
        return DenseProducts(*self.tensors) if len(self.tensors) == 1 else PartProducts(*self.tensors)


class StateMap:
    """Applies a U that is stored as a tensor network of its own."""

    def __init__(self, network: Network):
        self.network = network
        self._traced = {device: best_split(network, *TRACED, device) for device in ("cpu", "cuda")}

    def prepare(self, cores: Cores, sequences: int, steps: int) -> Recurrence:
        """U for this many sequences and steps."""
        device = "cpu" if next(iter(cores.values())).device.type == "cpu" else "cuda"
        compiling = torch.compiler.is_compiling()
        split = self._traced[device] if compiling else best_split(self.network, sequences, steps, device)
        return Recurrence(contract.merge_parts(split, cores) if split else (contract.dense(self.network, cores),))


@lru_cache(maxsize=4096)
def best_split(network: Network, sequences: int, steps: int, device: str) -> Split | None:
    """The split whose parts are applied to h at every step; None if rebuilding U costs less than any."""
    known = [split for split in splits(network) if not split.passing]
    best = min(known, key=lambda split: excess(network, split, sequences, steps, device), default=None)
    return best if best and excess(network, best, sequences, steps, device) < 0 else None


def excess(network: Network, split: Split, sequences: int, steps: int, device: str) -> float:
    """Estimated seconds by which U takes longer in the parts of `split`, applied at every step, than rebuilt once."""
    in_parts, rebuilt = (cost(network, plan, sequences * steps, device).seconds for plan in (Plan(split), Plan()))
    return in_parts + steps * OPERATIONS * MACHINES[device].overhead - rebuilt


class DenseProducts:
    """U (G H, H). On a CPU it is multiplied in blocks of rows, which is faster where it is wide."""

    def __init__(self, U: Tensor):
        blocks = kernels.enabled("blocks_of_U") and U.device.type == "cpu" and U.shape[0] % BLOCKS == 0
        self.U = U.reshape(BLOCKS if blocks else 1, -1, U.shape[1])

    def room(self, steps: int, sequences: int) -> list[Tensor]:
        return []

    def add(self, gates: Tensor, h: Tensor, between: States) -> None:
        gates = gates.view(len(self.U), -1, h.shape[1])
        torch.baddbmm(gates, self.U, h.expand(len(self.U), -1, -1), out=gates)

    def back(self, grad: Tensor, grad_between: States) -> Tensor:
        if len(self.U) == 1:
            return self.U[0].mT @ grad
        grad = grad.view(len(self.U), -1, grad.shape[1])
        return torch.bmm(grad.mT, self.U).sum(0).mT.contiguous()

    def gradients(self, h: Tensor, between: States, grad_between: States, grad: Tensor) -> tuple[Tensor, ...]:
        return (contract.sum_of_products(grad, h),)


class PartProducts:
    """The parts of a split, from the last to the first.

    A part (n, k, w) takes the state from (..., n k, columns) to (..., w, columns); the sequences are among the columns.
    """

    def __init__(self, *parts: Tensor):
        self.shapes, self.leads = [part.shape for part in parts], contract.leads(parts)
        self.matrices = [part.flatten(0, 1) for part in parts]  # (n k, w)
        self.batched = [matrix.expand(lead, -1, -1) for matrix, lead in zip(self.matrices, self.leads, strict=True)]

    def room(self, steps: int, sequences: int) -> list[Tensor]:
        between: list[Tensor] = []
        elements = sequences * math.prod(n for n, _, _ in self.shapes)
        for matrix in self.batched[:0:-1]:
            lead, summed, w = matrix.shape
            elements = elements // summed * w
            between.insert(0, matrix.new_empty(steps, lead, w, elements // (lead * w)))
        return between

    def add(self, gates: Tensor, h: Tensor, between: States) -> None:
        state = h
        for matrix, out in zip(self.batched[:0:-1], between[::-1], strict=True):
            lead, summed, _ = matrix.shape
            state = torch.bmm(matrix.mT, state.view(lead, summed, -1), out=out)
        summed, w = self.matrices[0].shape
        gates = gates.view(w, -1)
        torch.addmm(gates, self.matrices[0].mT, state.view(summed, -1), out=gates)

    def back(self, grad: Tensor, grad_between: States) -> Tensor:
        for matrix, out in zip(self.batched, grad_between, strict=False):
            lead, summed, w = matrix.shape
            torch.bmm(matrix, grad.view(lead, w, -1), out=out.view(lead, summed, -1))
            grad = out
        return torch.bmm(self.batched[-1], grad).flatten(0, 1)

    def gradients(self, h: Tensor, between: States, grad_between: States, grad: Tensor) -> tuple[Tensor, ...]:
        sums = []
        before, after = (*between, h), (grad, *grad_between)
        for matrix, lead, state, of_product in zip(self.matrices, self.leads, before, after, strict=True):
            batch, (summed, w) = len(h) * lead, matrix.shape
            sums.append(contract.sum_of_products(state.reshape(batch, summed, -1), of_product.reshape(batch, w, -1)))
        return tuple(total.view(shape) for total, shape in zip(sums, self.shapes, strict=True))
