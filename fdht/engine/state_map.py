"""The part of a mega map that acts on h: U rebuilt once a forward where it is small, else contracted every step."""

import math

import torch
from torch import Tensor

from fdht.engine import contract
from fdht.engine.plans import MACHINES, Plan, cost, plans
from fdht.engine.recurrence import Recurrence
from fdht.network import Network
from fdht.placement import Placement

TRACED = (16, 8)  # sequences and steps that a compiled graph is planned for
OPERATIONS = 6  # more for a step that is contracted than for one product with U


class StateMap:
    """h lies in a box of the input modes: the parts of the mega map, cut to the sides of the box.

    Where h lies in consecutive positions that are no box, U is rebuilt from cores gathered at these positions.
    """

    def __init__(self, network: Network, input_network: Network, placement: Placement):
        self.whole, self.placement = network, placement
        # by their labels, the plans for the input whose parts serve h too, as plans of the whole map
        self.shared = {plan.label: plan.of(network) for plan in plans(input_network) if self._shares(plan)}
        self.chosen: dict[tuple, Plan | None] = {}
        if placement.box is not None:
            self.network = network.with_input_modes(placement.box)
            for plan in self.shared.values():
                for device in MACHINES:
                    self._plan(plan, *TRACED, device)

    def from_parts(self, shared: Plan, parts: tuple[Tensor, ...], sequences: int, steps: int) -> Recurrence:
        """What acts on h, from the merged parts of the whole mega map."""
        *before, second = self._boxes(shared, parts)
        if torch.compiler.is_compiling():
            sequences, steps = TRACED
        plan = self._plan(shared, sequences, steps, "cpu" if second.device.type == "cpu" else "cuda")
        if plan is not None and plan.between is not None:
            return Recurrence((*before, second), True)
        first = contract.joined(before)
        if plan is not None:
            return Recurrence((first, second), plan.q_first)
        (n_p, _, m_p), (n_q, _, m_q) = first.shape, second.shape
        return Recurrence((torch.einsum("psm,qsw->mwpq", first, second).reshape(m_p * m_q, n_p * n_q),))

    def from_cores(self, cores: dict[str, Tensor], positions: Tensor) -> Recurrence:
        """U rebuilt, wherever h lies."""
        return Recurrence((contract.columns(self.whole, cores, positions).mT,))

    def _shares(self, plan: Plan) -> bool:
        if plan.kind != "split" or plan.split.inputs == 0 or self.placement.box is None:
            return False
        return plan.between is None or not plan.between.past

    def _plan(self, shared: Plan, sequences: int, steps: int, device: str) -> Plan | None:
        """How to contract h with the parts of `shared` at every step, or None where rebuilding U costs less."""
        key = (shared.label, sequences, steps, device)
        if key not in self.chosen:
            rows, split = sequences * steps, shared.split.of(self.network)
            same = [shared.of(self.network), *(Plan("split", split, q_first) for q_first in (True, False))]
            best = min(same, key=lambda plan: cost(self.network, plan, rows, device).seconds)
            contracted = cost(self.network, best, rows, device).seconds + steps * OPERATIONS * MACHINES[device].overhead
            rebuilt = cost(self.network, Plan("rebuild"), rows, device).seconds
            self.chosen[key] = best if contracted < rebuilt else None
        return self.chosen[key]

    def _boxes(self, shared: Plan, parts: tuple[Tensor, ...]) -> list[Tensor]:
        """The parts at the inputs of the box."""
        modes, sides = self.whole.input_modes, self.placement.box
        starts = (self.placement.slices, *[0] * (len(modes) - 1))
        ends = [shared.split.inputs, len(modes)]
        if shared.between is not None:
            ends.insert(0, shared.between.inner.inputs)
        cut, i = [], 0
        for part, j in zip(parts, ends, strict=True):
            cut.append(contract.box(part, modes[i:j], starts[i:j], sides[i:j]))
            i = j
        return cut


def positions(placement: Placement, device: torch.device) -> Tensor:
    """`placement.positions()` as a tensor (H,), made on the device."""
    if placement.box is None:
        return torch.arange(placement.start, placement.start + placement.hidden_size, device=device)
    columns = torch.full((1,), placement.start, device=device)
    for k, side in enumerate(placement.box):
        stride = math.prod(placement.input_modes[k + 1 :])
        columns = (columns[:, None] + stride * torch.arange(side, device=device)).flatten()
    return columns


def slices_of_x(plan: Plan, parts: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The parts of the whole map, with n1 cut to the slices that hold x; `plan`: that for the input."""
    first, *others = parts
    if plan.between is None:
        return first.narrow(0, 0, plan.split.shape[0]), *others
    if plan.between.inner.inputs:
        return first.narrow(0, 0, plan.between.first_shape[0]), *others
    middle, second = others
    return first, middle.narrow(0, 0, plan.between.shape[0]), second
