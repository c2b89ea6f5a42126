"""Apply a tensor network to rows as a linear map: choose a plan, prepare W once, apply it to many rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fdht.engine import contract, kernels
from fdht.engine.contract import Cores, Parts
from fdht.engine.costs import THIN, choose, cost
from fdht.engine.cpu import integers
from fdht.engine.plans import Plan
from fdht.network import Network

Normalisation = tuple[float, float]
IDENTITY = (1.0, 0.0)
TRACED_ROWS = 128
MAX_STATE = 2**22  # elements of a sweep's largest state on CPU: 16 MB of float32, which fit in the cache


class Planner:
    """Chooses a plan of a network for each number of rows.

    Under torch.compile and export, the plan chosen beforehand for TRACED_ROWS rows is used: one graph serves any
    number of rows, and the choice is plain Python that must not be traced.
    """

    def __init__(self, network: Network):
        self.network = network
        self.traced = {device: choose(network, TRACED_ROWS, device) for device in ("cpu", "cuda")}

    def plan(self, rows: int, x: Tensor, mask: Tensor | None = None) -> Plan:
        """Return the plan for `rows` rows with the dtype and device of x, multiplied by `mask` if given."""
        if torch.compiler.is_compiling():
            return self.traced["cpu" if x.device.type == "cpu" else "cuda"]
        return choose(self.network, rows, self.machine(x, mask), second_cut=kernels.enabled("second_cut"))

    def peak(self, rows: int, x: Tensor, mask: Tensor | None = None) -> int:
        """Elements per row of the largest intermediate result, y included."""
        plan, machine = self.plan(rows, x, mask), self.machine(x, mask)
        return max(self.network.output_size, cost(self.network, plan, rows, machine).peak // rows)

    @staticmethod
    def machine(x: Tensor, mask: Tensor | None = None) -> str:
        """The key of `fdht.engine.costs.MACHINES` for rows like x."""
        if x.device.type != "cpu":
            return "cuda"
        return "cpu, bytes" if mask is None and integers.accepts(x) else "cpu"


@dataclass(frozen=True)
class Prepared:
    """W and bias in the form that a plan needs: the merged parts of a split, W (M, N), or the cores of a sweep."""

    network: Network
    plan: Plan
    tensors: Sequence[Tensor]
    bias: Tensor | None


def prepare(plan: Plan, network: Network, cores: Cores, bias: Tensor | None = None) -> Prepared:
    """Return merged parts, cores or dense W, as `plan` needs: what `apply` reuses for any x."""
    if plan.split:
        return Prepared(network, plan, contract.merge_parts(plan.split, cores), bias)
    tensors = [cores[core.name] for core in network.cores] if plan.path else [contract.dense(network, cores)]
    return Prepared(network, plan, tensors, bias)


def apply(
    prepared: Prepared,
    x: Tensor,
    normalisation: Normalisation = IDENTITY,
    mask: Tensor | None = None,
    steps: int = 1,
) -> Tensor:
    """y = ((x * scale + shift) * mask) Wᵀ + bias, (B, T, M).

    x: (B T, N), float or uint8; the T = `steps` rows of a sequence are consecutive. normalisation: (scale, shift).
    mask: (B, N) or None.
    """
    if prepared.plan.split and mask is None:
        prepared, normalisation = _fold(prepared, normalisation), IDENTITY
    tensors, bias, split = prepared.tensors, prepared.bias, prepared.plan.split
    rows = x.shape[0]  # not len(x), which a compiler would take for a constant
    if split:
        Q = tensors[-1].flatten(0, 1)  # (n_Q, s m_Q)
        if integers.accepts(x) and mask is None and integers.worthwhile(Q):
            product = integers.BytesProduct.apply(x.reshape(-1, len(Q)), Q).view(rows, -1)  # (B T, n_P s m_Q)
        else:
            x = normalised(x, Q.dtype, normalisation, mask)
            product = (x.reshape(-1, len(Q)) @ Q).view(rows, -1)
        if split.columns < THIN and kernels.enabled("columns") and not torch.compiler.is_compiling():
            return _in_columns(tensors[:-1], product, steps, bias)
        y = contract.apply_in_turn(tensors[:-1], product, rows)  # (B T, m_1, rest)
        y = y if bias is None else y.add_(bias.view(y.shape[1:]))  # not on a view: autograd copies
        return y.view(-1, steps, prepared.network.output_size)
    if prepared.plan.path:
        y = _sweep(prepared, normalised(x, tensors[0].dtype, normalisation, mask))
    else:
        y = normalised(x, tensors[0].dtype, normalisation, mask) @ tensors[0].mT
    y = y.view(-1, steps, prepared.network.output_size)
    return y if bias is None else y.add_(bias)


def _in_columns(parts: Parts, product: Tensor, steps: int, bias: Tensor | None) -> Tensor:
    """Apply the parts before Q, and the bias, to x Q (B T, n_P s m_Q). Returns (B, T, M), in memory (T, M, B).

    With a thin Q, GEMMs with m_Q columns per row are inefficient; with sequences as columns they have m_Q B columns,
    and y has the layout of `fdht.engine.through_time`. Only x Q is reordered.
    """
    state = product.view(-1, steps, product.shape[1]).permute(1, 2, 0).contiguous()  # (T, n_P s m_Q, B)
    B, first = state.shape[2], parts[0].shape[2]
    y = contract.apply_in_turn(parts, state, steps)  # (T, m_1, rest B)
    if bias is not None:  # in the shape of y, not on a view: autograd copies
        y.add_(bias.view(first, -1, 1).expand(-1, -1, B).reshape(first, -1))
    return y.view(steps, -1, B).permute(2, 0, 1)


def _fold(prepared: Prepared, normalisation: Normalisation) -> Prepared:
    """Return `prepared` with scale folded into its smallest part and shift into its bias; x then needs neither."""
    (scale, shift), parts, bias = normalisation, list(prepared.tensors), prepared.bias
    if shift:
        constant = shift * contract.row_sums(parts)
        bias = constant if bias is None else bias + constant
    if scale != 1:
        sizes = [part.numel() for part in parts]
        smallest = sizes.index(min(sizes))  # torch.compile traces no `min` with a key
        parts[smallest] = parts[smallest] * scale
    return Prepared(prepared.network, prepared.plan, parts, bias)


def _sweep(prepared: Prepared, x: Tensor) -> Tensor:
    """Contract core by core; on CPU in chunks of rows, so that each chunk's states fit in the cache."""
    network, path = prepared.network, prepared.plan.path
    if x.device.type != "cpu" or torch.compiler.is_compiling() or not kernels.enabled("sweep_chunks"):
        return contract.sweep(network, path, prepared.tensors, x)
    size = max(1, MAX_STATE // cost(network, prepared.plan, 1).peak)
    return torch.cat([contract.sweep(network, path, prepared.tensors, chunk) for chunk in x.split(size)])


def normalised(x: Tensor, dtype: torch.dtype, normalisation: Normalisation, mask: Tensor | None = None) -> Tensor:
    """x in floating point, times scale, plus shift, times mask (B, N)."""
    (scale, shift), is_copy = normalisation, x.dtype == torch.uint8  # which is then changed in place
    x = x.to(dtype)
    if mask is None:
        if normalisation == IDENTITY:
            return x
        return x.mul_(scale).add_(shift) if is_copy else x * scale + shift
    mask = mask.to(torch.promote_types(mask.dtype, dtype)).unsqueeze(1)
    steps = x.view(mask.shape[0], -1, mask.shape[2])
    return torch.addcmul(mask * shift, steps, mask * scale, out=steps if is_copy else None).view_as(x)
