"""Applies a plan to rows of inputs: any plan, with the normalisation of raw inputs folded into the map."""

import torch
from torch import Tensor

from fdht import contract
from fdht.network import Network
from fdht.plans import Plan, choose
from fdht.two_gemms import TwoGemms

Normalisation = tuple[float, float]
TRACED_ROWS = 128


class Planned:
    """The choice of a plan for each number of rows.

    A compiled graph may serve any number of rows, and the choice is plain Python that a compiler should not trace:
    while compiling or exporting, it is the plan for TRACED_ROWS rows, chosen beforehand.
    """

    def __init__(self, network: Network):
        self.network = network
        self.traced_cpu, self.traced_cuda = (choose(network, TRACED_ROWS, device) for device in ("cpu", "cuda"))

    def plan(self, rows: Tensor) -> Plan:
        """For rows (R, N) on their device."""
        on_cpu = rows.device.type == "cpu"
        if torch.compiler.is_compiling():
            return self.traced_cpu if on_cpu else self.traced_cuda
        return choose(self.network, rows.shape[0], "cpu" if on_cpu else "cuda")


def apply_rows(
    plan: Plan,
    network: Network,
    cores: dict[str, Tensor],
    x: Tensor,
    bias: Tensor | None = None,
    normalisation: Normalisation = (1.0, 0.0),
    mask: Tensor | None = None,
) -> Tensor:
    """y = ((x * scale + shift) * mask) Wᵀ + bias.

    x (rows, N), floating or uint8; mask (sequences, N) with rows = sequences * steps, the steps of a sequence
    being consecutive, or None. With a split, scale and shift are folded into the merged half and the bias, and raw
    pixels are converted in chunks: no normalised or floating copy of x is kept.
    """
    dtype = next(iter(cores.values())).dtype
    scale, shift = normalisation
    folds = plan.kind == "split" and mask is None
    if folds and shift:
        constant = shift * contract.sums(network, cores)
        bias = constant if bias is None else bias + constant
    if plan.kind == "split":
        first, second = contract.halves(plan.split, cores)
        if folds and scale != 1:
            second = second * scale
        if x.device.type == "cpu" and not torch.compiler.is_compiling():
            fold = (1.0, 0.0) if folds else normalisation
            y = TwoGemms.apply(x, first, second, plan.q_first, fold, mask)
        else:
            y = contract.apply_halves(first, second, _masked(x, dtype, folds, scale, shift, mask), plan.q_first)
    else:
        y = contract.apply(plan, network, cores, _masked(x, dtype, False, scale, shift, mask))
    return y if bias is None else y + bias


def _masked(x: Tensor, dtype: torch.dtype, raw: bool, scale: float, shift: float, mask: Tensor | None) -> Tensor:
    x = x.to(dtype)
    if not raw and (scale, shift) != (1, 0):
        x = x * scale + shift
    if mask is not None:
        x = (x.view(mask.shape[0], -1, mask.shape[1]) * mask.unsqueeze(1)).view_as(x)
    return x
