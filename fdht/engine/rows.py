"""Applies a plan to rows of inputs: any plan, with the normalisation of raw inputs folded into the map."""

from collections.abc import Sequence

import torch
from torch import Tensor

from fdht.engine import contract
from fdht.engine.cpu import digits, expansion
from fdht.engine.plans import THIN, Plan, choose, cost
from fdht.network import Network

Normalisation = tuple[float, float]
Cores = dict[str, Tensor]
Prepared = tuple[Tensor, ...] | Tensor | Cores
TRACED_ROWS = 128
SMALL = 2**13  # elements of a matrix that the first cache holds
SWEPT = 2**22  # elements of the largest state of a sweep on a CPU: 16 MB, which the cache holds


class Planned:
    """The choice of a plan for each number of rows.

    A compiled graph may serve any number of rows, and the choice is plain Python that a compiler should not trace:
    while compiling or exporting, it is the plan for TRACED_ROWS rows, chosen beforehand.
    """

    def __init__(self, network: Network):
        self.network = network
        self.traced = {device: choose(network, TRACED_ROWS, device) for device in ("cpu", "cuda")}
        self.chosen: dict[tuple[int, str], Plan] = {}
        self.elements: dict[tuple[int, str], tuple[int, int]] = {}

    def plan(self, rows: int, like: Tensor, mask: Tensor | None = None) -> Plan:
        """For so many rows, on the device and in the dtype of `like`, and the mask that they are multiplied by."""
        if torch.compiler.is_compiling():
            return self.traced["cpu" if like.device.type == "cpu" else "cuda"]
        return self._chosen(rows, self.machine(like, mask))

    def held(self, rows: int, like: Tensor, mask: Tensor | None = None) -> tuple[int, int]:
        """Elements that are held at once where no gradients are needed: for each of so many rows, the result and what
        comes before it unless that is made in chunks of rows; and for all of them, a W that is rebuilt."""
        if torch.compiler.is_compiling():
            return 0, 0
        key = rows, self.machine(like, mask)
        if key not in self.elements:
            self.elements[key] = self._held(*key)
        return self.elements[key]

    def _held(self, rows: int, machine: str) -> tuple[int, int]:
        plan, M = self._chosen(rows, machine), self.network.output_size
        if plan.kind == "rebuild":
            return M, M * self.network.input_size
        if machine != "cuda" and plan.kind == "split" and plan.q_first and plan.split.shape[4] >= THIN:
            return M, 0
        return max(M, cost(self.network, plan, rows, machine).peak // rows), 0

    def _chosen(self, rows: int, machine: str) -> Plan:
        key = rows, machine
        if key not in self.chosen:
            self.chosen[key] = choose(self.network, *key)
        return self.chosen[key]

    @staticmethod
    def machine(rows: Tensor, mask: Tensor | None = None) -> str:
        """The key of `fdht.engine.plans.MACHINES` that stands for what these rows are multiplied with."""
        if rows.device.type != "cpu":
            return "cuda"
        return "cpu, bytes" if rows.dtype == torch.uint8 and mask is None and digits.available() else "cpu"


def prepare(plan: Plan, network: Network, cores: Cores) -> Prepared:
    """What does not depend on the input: the merged parts of a split, W (M, N) rebuilt, or the cores of a sweep."""
    if plan.kind == "split":
        return contract.parts(plan, cores)
    return contract.dense(network, cores) if plan.kind == "rebuild" else cores


def apply_rows(plan: Plan, network: Network, cores: Cores, x: Tensor, *given) -> Tensor:
    """`apply_prepared` with what is prepared for these rows alone."""
    return apply_prepared(plan, network, prepare(plan, network, cores), x, *given)


def apply_prepared(
    plan: Plan,
    network: Network,
    prepared: Prepared,
    x: Tensor,
    bias: Tensor | None = None,
    normalisation: Normalisation = (1.0, 0.0),
    mask: Tensor | None = None,
    steps: int = 1,
    columns: bool = False,
) -> Tensor:
    """y = ((x * scale + shift) * mask) Wᵀ + bias, (sequences, steps, M).

    x (rows, N), floating or uint8, rows = sequences * steps, the steps of a sequence being consecutive; mask
    (sequences, N) or None. With a split, scale and shift are folded into a merged part and the bias, and raw pixels
    are used as they are or converted in chunks: no normalised or floating copy of x is kept.
    columns: y had better lie in memory as (steps, M, sequences), and does where that costs nothing.
    """
    if plan.kind == "split":
        if columns:
            columns = x.device.type == "cpu" and not torch.compiler.is_compiling() and _favours_columns(plan, x, steps)
        return _apply_parts(prepared, plan.q_first, x, bias, normalisation, mask, steps, columns)
    if plan.kind == "rebuild":
        y = normalised(x, prepared.dtype, normalisation, mask) @ prepared.mT
    else:
        x = normalised(x, next(iter(prepared.values())).dtype, normalisation, mask)
        y = _sweep(plan, network, prepared, x)
    y = y.view(-1, steps, y.shape[1])
    return y if bias is None else y.add_(bias)


def _favours_columns(plan: Plan, x: Tensor, steps: int) -> bool:
    """Whether x had better be reordered than y: it is smaller, and the first product is with a small matrix."""
    n_p, m_p, s, n_q, m_q = plan.split.shape
    small = n_p * n_q <= m_p * m_q and n_q * s * m_q <= SMALL
    return plan.q_first and x.is_floating_point() and small and len(x) >= THIN * steps


def _sweep(plan: Plan, network: Network, cores: Cores, x: Tensor) -> Tensor:
    """In chunks of rows on a CPU, whose states are reordered in the cache."""
    if x.device.type != "cpu" or torch.compiler.is_compiling():
        return contract.sweep(plan, network, cores, x)
    size = max(1, SWEPT // cost(network, plan, 1).peak)
    chunks = [contract.sweep(plan, network, cores, chunk) for chunk in x.split(size)]
    return chunks[0] if len(chunks) == 1 else torch.cat(chunks)


def _apply_parts(
    parts: Sequence[Tensor],
    q_first: bool,
    x: Tensor,
    bias: Tensor | None,
    normalisation: Normalisation,
    mask: Tensor | None,
    steps: int,
    columns: bool,
) -> Tensor:
    scale, shift = normalisation
    folds = mask is None
    if folds and shift:
        constant = shift * contract.sums(parts)
        bias = constant if bias is None else bias + constant
    if folds and scale != 1:
        sizes = [part.numel() for part in parts]
        smallest = sizes.index(min(sizes))
        parts = [part * scale if k == smallest else part for k, part in enumerate(parts)]
    left = (1.0, 0.0) if folds else normalisation
    if x.device.type == "cpu" and not torch.compiler.is_compiling():
        if columns:
            return expansion.in_columns(parts, normalised(x, parts[0].dtype, left, mask), steps, bias)
        return expansion.apply(parts, q_first, x, steps, bias, left, mask)
    y = contract.apply_parts(parts, normalised(x, parts[0].dtype, left, mask), q_first)
    y = y.view(-1, steps, y.shape[1])
    return y if bias is None else y.add_(bias)


def normalised(x: Tensor, dtype: torch.dtype, normalisation: Normalisation, mask: Tensor | None = None) -> Tensor:
    """x in floating point, times scale, plus shift, times mask (sequences, N)."""
    x, (scale, shift) = x.to(dtype), normalisation
    if (scale, shift) != (1, 0):
        x = x * scale + shift
    if mask is not None:
        x = (x.view(mask.shape[0], -1, mask.shape[1]) * mask.unsqueeze(1)).view_as(x)
    return x
