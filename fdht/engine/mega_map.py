"""One tensor network for W and U: the mega map of z = [x ; h] is merged once and used for both."""

import itertools
import math
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from fdht.engine import contract
from fdht.engine.apply import Planner, Prepared, prepare
from fdht.engine.contract import Cores
from fdht.engine.plans import Plan
from fdht.engine.recurrence import TRACED, Recurrence, excess
from fdht.engine.splits import Split
from fdht.network import Network
from fdht.placement import Placement


class Sharing(NamedTuple):
    """How the merged parts of a split of the whole map serve both x and h.

    rows_of_x: rows of each part that belong to the slices of x. boxes: of each part the input modes, and where the
    box of h starts and how long it is in each. every_step: whether the parts are applied to h at every step.
    """

    split: Split
    rows_of_x: list[int]
    boxes: list[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]]
    every_step: bool


class MegaMap:
    """W acts on x in the first slices of the mega map, U on h in a box of the other slices (see README.md).

    inputs: the network cut to the slices of x.
    """

    def __init__(self, network: Network, placement: Placement):
        self.network, self.placement = network, placement
        self.inputs = network.with_input_modes((placement.slices, *network.input_modes[1:]))
        self.planner = Planner(self.inputs)
        self._traced = {  # before anything is traced
            device: share(network, placement, plan, *TRACED, device) for device, plan in self.planner.traced.items()
        }

    def prepare(
        self, plan: Plan, cores: Cores, bias: Tensor | None, sequences: int, steps: int
    ) -> tuple[Prepared, Recurrence]:
        """W as `plan` needs it, with the bias, and U, for this many sequences and steps."""
        place = next(iter(cores.values())).device
        device = "cpu" if place.type == "cpu" else "cuda"
        if torch.compiler.is_compiling():
            shared = self._traced[device]
        else:
            shared = share(self.network, self.placement, plan, sequences, steps, device)
        if shared is None:
            U = contract.columns_of(self.network, cores, positions(self.placement, place))
            of_inputs = {core.name: cores[core.name][tuple(slice(n) for n in core.shape)] for core in self.inputs.cores}
            return prepare(plan, self.inputs, of_inputs, bias), Recurrence((U,))
        parts = contract.merge_parts(shared.split, cores)
        of_x = [part.narrow(0, 0, rows) for part, rows in zip(parts, shared.rows_of_x, strict=True)]
        of_h = tuple(contract.box_of(part, *box) for part, box in zip(parts, shared.boxes, strict=True))
        if not shared.every_step:
            of_h = (contract.join_parts(of_h),)
        return Prepared(self.inputs, plan, of_x, bias), Recurrence(of_h)


@lru_cache(maxsize=4096)
def share(
    network: Network, placement: Placement, plan: Plan, sequences: int, steps: int, device: str
) -> Sharing | None:
    """How the parts of the plan for x serve h, too; None if they cannot."""
    split, box = plan.split, placement.box
    if split is None or box is None or split.cuts[-1][0] == 0 or split.passing:
        return None
    of_h = network.with_input_modes(box)
    every_step = excess(of_h, split.of(of_h), sequences, steps, device) < 0
    starts = (placement.slices, *[0] * (len(box) - 1))
    bounds = [0, *(i for i, _ in split.cuts), len(box)]
    boxes = [(network.input_modes[i:j], starts[i:j], box[i:j]) for i, j in itertools.pairwise(bounds)]
    return Sharing(split.of(network), [part.shape[0] for part in split.parts], boxes, every_step)


def positions(placement: Placement, device: torch.device) -> Tensor:
    """The columns of a mega map that act on h, (H,)."""
    D = placement.input_size
    if placement.box is None:
        return torch.arange(D, D + placement.hidden_size, device=device)
    columns = torch.full((1,), D, device=device)
    for k, side in enumerate(placement.box):
        stride = math.prod(placement.input_modes[k + 1 :])
        columns = (columns[:, None] + stride * torch.arange(side, device=device)).flatten()
    return columns
