"""The part of a mega map that acts on h: U rebuilt once a forward where it is small, else contracted every step."""

import torch
from torch import Tensor

from fdht import contract
from fdht.network import Network
from fdht.placement import Placement
from fdht.plans import MACHINES, Plan, cost, plans
from fdht.recurrence import Recurrence

TRACED = (16, 8)  # sequences and steps that a compiled graph is planned for
OPERATIONS = 6  # more for a step that is contracted than for one product with U


class StateMap:
    """h lies in a box of the input modes: a smaller network over the same cores, each cut to the side of the box.

    Where h lies in consecutive positions that are no box, U is rebuilt from cores gathered at these positions.
    """

    def __init__(self, network: Network, placement: Placement):
        self.whole, self.placement = network, placement
        self.network = None if placement.box is None else network.with_input_modes(placement.box)
        self.traced_cpu, self.traced_cuda = (self.plan(*TRACED, device) for device in ("cpu", "cuda"))

    def plan(self, sequences: int, steps: int, device: str) -> Plan | None:
        """The split to contract h by at every step, or None where rebuilding U costs less."""
        if self.network is None:
            return None
        rows = sequences * steps
        candidates = {plan: cost(self.network, plan, rows, device).seconds for plan in plans(self.network)}
        rebuild = next(seconds for plan, seconds in candidates.items() if plan.kind == "rebuild")
        by_split = {plan: seconds for plan, seconds in candidates.items() if plan.kind == "split"}
        if not by_split:
            return None
        best = min(by_split, key=by_split.get)
        launches = steps * OPERATIONS * MACHINES[device].overhead
        return best if by_split[best] + launches < rebuild else None

    def recur(self, cores: dict[str, Tensor], positions: Tensor, sequences: int, steps: int) -> Recurrence:
        if self.network is None:
            return Recurrence((contract.columns(self.whole, cores, positions),))
        device = "cpu" if positions.device.type == "cpu" else "cuda"
        if torch.compiler.is_compiling():
            plan = self.traced_cpu if device == "cpu" else self.traced_cuda
        else:
            plan = self.plan(sequences, steps, device)
        box = self._cut(cores)
        if plan is None:
            return Recurrence((contract.dense(self.network, box).mT,))
        return Recurrence(contract.halves(plan.split, box), plan.q_first)

    def _cut(self, cores: dict[str, Tensor]) -> dict[str, Tensor]:
        cut = dict(cores)
        for core in self.whole.cores:
            for axis, index in enumerate(core.indices):
                if index in self.whole.inputs:
                    start = self.placement.slices if index == "n1" else 0
                    side = self.placement.box[self.whole.inputs.index(index)]
                    cut[core.name] = cut[core.name].narrow(axis, start, side)
        return cut
