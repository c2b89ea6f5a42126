"""Applies a plan to rows of inputs: any plan, with the normalisation of raw inputs folded into the map."""

from collections.abc import Sequence

import torch
from torch import Tensor

from fdht import contract, digits, expansion
from fdht.network import Network
from fdht.plans import THIN, Plan, choose, cost

Normalisation = tuple[float, float]
TRACED_ROWS = 128


class Planned:
    """The choice of a plan for each number of rows.

    A compiled graph may serve any number of rows, and the choice is plain Python that a compiler should not trace:
    while compiling or exporting, it is the plan for TRACED_ROWS rows, chosen beforehand.
    """

    def __init__(self, network: Network):
        self.network = network
        self.traced = {device: choose(network, TRACED_ROWS, device) for device in ("cpu", "cuda")}
        self.chosen: dict[tuple[int, str], Plan] = {}

    def plan(self, rows: Tensor, mask: Tensor | None = None) -> Plan:
        """For rows (R, N) on their device, and the mask that they are multiplied by."""
        if torch.compiler.is_compiling():
            return self.traced["cpu" if rows.device.type == "cpu" else "cuda"]
        return self._chosen(rows.shape[0], self.machine(rows, mask))

    def held(self, rows: int, like: Tensor, mask: Tensor | None = None) -> int:
        """Elements that are held at once for each of so many rows, where no gradients are needed: the result, and
        what comes before it unless that is made in chunks of rows."""
        if torch.compiler.is_compiling():
            return 0
        machine = self.machine(like, mask)
        plan, M = self._chosen(rows, machine), self.network.output_size
        if machine != "cuda" and plan.kind == "split" and plan.q_first and plan.split.shape[4] >= THIN:
            return M
        return max(M, cost(self.network, plan, rows, machine).peak // rows)

    def _chosen(self, rows: int, machine: str) -> Plan:
        key = rows, machine
        if key not in self.chosen:
            self.chosen[key] = choose(self.network, *key)
        return self.chosen[key]

    @staticmethod
    def machine(rows: Tensor, mask: Tensor | None = None) -> str:
        """The key of `fdht.plans.MACHINES` that stands for what these rows are multiplied with."""
        if rows.device.type != "cpu":
            return "cuda"
        return "cpu, bytes" if rows.dtype == torch.uint8 and mask is None and digits.available() else "cpu"


def apply_rows(
    plan: Plan,
    network: Network,
    cores: dict[str, Tensor],
    x: Tensor,
    bias: Tensor | None = None,
    normalisation: Normalisation = (1.0, 0.0),
    mask: Tensor | None = None,
    steps: int = 1,
) -> Tensor:
    """y = ((x * scale + shift) * mask) Wᵀ + bias, (sequences, steps, M).

    x (rows, N), floating or uint8, rows = sequences * steps, the steps of a sequence being consecutive; mask
    (sequences, N) or None. With a split, scale and shift are folded into the merged half and the bias, and raw
    pixels are used as they are or converted in chunks: no normalised or floating copy of x is kept.
    """
    if plan.kind == "split":
        parts = contract.parts(plan, cores)
        return apply_parts(parts, plan.q_first, x, bias, normalisation, mask, steps)
    y = contract.apply(plan, network, cores, _normalised(x, next(iter(cores.values())).dtype, normalisation, mask))
    y = y.view(-1, steps, y.shape[1])
    return y if bias is None else y.add_(bias)


def apply_parts(
    parts: Sequence[Tensor],
    q_first: bool,
    x: Tensor,
    bias: Tensor | None = None,
    normalisation: Normalisation = (1.0, 0.0),
    mask: Tensor | None = None,
    steps: int = 1,
) -> Tensor:
    """`apply_rows` with the merged parts of a split, see `fdht.contract.parts`."""
    scale, shift = normalisation
    folds = mask is None
    if folds and shift:
        constant = shift * contract.sums(parts)
        bias = constant if bias is None else bias + constant
    if folds and scale != 1:
        smallest = min(range(len(parts)), key=lambda k: parts[k].numel())
        parts = [part * scale if k == smallest else part for k, part in enumerate(parts)]
    left = (1.0, 0.0) if folds else normalisation
    if x.device.type == "cpu" and not torch.compiler.is_compiling():
        return expansion.apply(parts, q_first, x, steps, bias, left, mask)
    y = contract.apply_parts(parts, _normalised(x, parts[0].dtype, left, mask), q_first)
    y = y.view(-1, steps, y.shape[1])
    return y if bias is None else y.add_(bias)


def _normalised(x: Tensor, dtype: torch.dtype, normalisation: Normalisation, mask: Tensor | None) -> Tensor:
    x, (scale, shift) = x.to(dtype), normalisation
    if (scale, shift) != (1, 0):
        x = x * scale + shift
    if mask is not None:
        x = (x.view(mask.shape[0], -1, mask.shape[1]) * mask.unsqueeze(1)).view_as(x)
    return x
