"""The estimated time of a plan, and the choice of a plan by it. Torch-free.

The time is estimated from shapes, with the machine reduced to four numbers. Only the ranking of the plans matters;
`benchmarks/plans.py` checks it.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from fdht.engine.plans import Plan, merge_order, plans
from fdht.engine.splits import Part, Split
from fdht.network import Network

FLOAT = 4  # bytes
DIGITS = 3  # bytes that a weight is multiplied as, see fdht.engine.cpu.integers
SHORTEST = 300  # terms: in shorter sums, splitting weights into digits costs more than products of bytes save
THIN = 8  # m_Q below which a CPU lays sequences out as columns, see fdht.engine.apply


@dataclass(frozen=True)
class Machine:
    """Multiply-adds per second of a large GEMM, bytes per second, seconds per operation, seconds that each product of
    a batch adds, and multiply-adds of bytes per second (0 where bytes are converted to floats)."""

    rate: float
    bandwidth: float
    overhead: float
    product: float
    bytes_rate: float = 0.0


# Orders of magnitude: two x86 cores with float inputs and with bytes; a data-centre GPU.
MACHINES = {
    "cpu": Machine(6e10, 1e10, 8e-6, 5e-7),
    "cpu, bytes": Machine(6e10, 1e10, 8e-6, 5e-7, 3e11),
    "cuda": Machine(2e13, 2e12, 3e-6, 1e-9),
}


@dataclass(frozen=True)
class Cost:
    """What a plan costs.

    multiply_adds: for all rows. peak: elements of the largest intermediate result that depends on the rows. formula:
    multiply-adds per row, with the values of its symbols.
    """

    multiply_adds: int
    peak: int
    seconds: float
    formula: str


@lru_cache(maxsize=4096)
def choose(network: Network, rows: int, machine: str = "cpu", *, second_cut: bool = True) -> Plan:
    """The plan with the shortest estimated time for `rows` rows on `machine`, a key of MACHINES.

    second_cut: whether a split may have three parts.
    """
    known = (plan for plan in plans(network) if second_cut or plan.split is None or len(plan.split.parts) == 2)
    return min(known, key=lambda plan: cost(network, plan, rows, machine).seconds)


def cost(network: Network, plan: Plan, rows: int, machine: str = "cpu") -> Cost:
    """The cost of `plan` for `rows` rows on `machine`, a key of MACHINES."""
    if plan.split:
        return _split(network, plan.split, rows, MACHINES[machine])
    return (_sweep if plan.path else _rebuild)(network, plan, rows, MACHINES[machine])


def _rebuild(network: Network, plan: Plan, rows: int, machine: Machine) -> Cost:
    N, M = network.input_size, network.output_size
    whole = Part(network.cores, (*network.outputs, *network.inputs), (1, 1, 1))
    seconds = _merge(network, whole, machine) + _gemm(machine, 1, rows, N, M)
    return Cost(rows * N * M, rows * M, seconds, f"N M; N={N} M={M}")


def _split(network: Network, split: Split, rows: int, machine: Machine) -> Cost:
    *before, (n_q, _, w_q) = (part.shape for part in split.parts)
    lead = network.input_size // n_q  # products per row
    state = lead * w_q  # elements per row
    adds, peak = lead * n_q * w_q, state
    seconds = _first_product(machine, rows * lead, n_q, w_q) + 10 * machine.overhead * (len(before) - 1)
    for n, k, w in reversed(before):
        lead, peak = lead // n, max(peak, state)
        columns = state // (lead * n * k)
        adds += state * w
        seconds += _later_product(machine, rows * lead, n * k, w, columns, split.columns)
        state = lead * w * columns
    for part in split.parts:
        seconds += _merge(network, part, machine)
    return Cost(rows * adds, rows * peak, seconds, _formula(network, split))


def _formula(network: Network, split: Split) -> str:
    n_q, s, m_q = split.parts[-1].shape[0], split.rank, split.columns
    n_p, m_p = network.input_size // n_q, network.output_size // m_q
    values = f"n_P={n_p} m_P={m_p} s={s} n_Q={n_q} m_Q={m_q}"
    if len(split.parts) == 2:
        return f"n_P n_Q s m_Q + n_P s m_P m_Q; {values}"
    (n_1, s_1, _), (_, _, w), _ = (part.shape for part in split.parts)
    return f"n_P n_Q s m_Q + n_P s w m_Q + n_1 s_1 M; {values}; w={w} n_1={n_1} s_1={s_1} M={network.output_size}"


def _sweep(network: Network, plan: Plan, rows: int, machine: Machine) -> Cost:
    sizes, adds, peak, seconds = network.sizes, 0, 0, 0.0
    state = {*network.inputs}
    for k, after in plan.path:
        joint = rows * math.prod(sizes[i] for i in state | {*network.cores[k].indices})
        before, volume = rows * math.prod(sizes[i] for i in state), rows * math.prod(sizes[i] for i in after)
        summed = max(1, joint // volume)
        adds, peak = adds + joint, max(peak, volume)
        seconds += _gemm(machine, 1, before // summed or 1, summed, max(1, joint // before))
        # the state is reordered before and after
        seconds += 1.5 * FLOAT * (before + volume) / machine.bandwidth + 2 * machine.overhead
        state = {*after}
    formula = f"sum over the cores of |state x core|; N={network.input_size} M={network.output_size}"
    return Cost(adds, peak, seconds, formula)


def _merge(network: Network, part: Part, machine: Machine) -> float:
    """Seconds of contracting the part's cores to one tensor."""
    operands, seconds = [core.indices for core in part.cores], 0.0
    for a, b, product in merge_order(tuple(operands), part.indices, network.sizes):
        joint = math.prod(network.sizes[i] for i in {*operands[a], *operands[b]})
        volume = math.prod(network.sizes[i] for i in product)
        # Small permuted contractions: far from the rate of a GEMM, and their result is written and reordered.
        seconds += 2 * joint / machine.rate + 3 * FLOAT * volume / machine.bandwidth + 3 * machine.overhead
        operands.append(product)
    return seconds


def _gemm(machine: Machine, batch: int, m: int, k: int, n: int) -> float:
    """Seconds of `batch` products (m, k) @ (k, n): arithmetic slowed down by thin sides, or memory traffic."""
    efficiency = (m / (m + 4)) * (k / (k + 8)) * (n / (n + 8))
    arithmetic = batch * m * k * n / machine.rate / efficiency + (batch > 1) * batch * machine.product
    traffic = FLOAT * batch * (m * k + k * n + 2 * m * n) / machine.bandwidth
    return max(arithmetic, traffic) + machine.overhead


def _first_product(machine: Machine, m: int, k: int, n: int) -> float:
    """Seconds of x (m, k) @ Q (k, n), floats or bytes; bytes may have to be converted first."""
    if not machine.bytes_rate:
        return _gemm(machine, 1, m, k, n)
    if k < SHORTEST:
        return _gemm(machine, 1, m, k, n) + 3 * FLOAT * m * k / machine.bandwidth
    products = m * k * DIGITS * n * (k + 16) / k / machine.bytes_rate
    return products + FLOAT * n * (DIGITS * k + 2 * DIGITS * m) / machine.bandwidth + 20 * machine.overhead


def _later_product(machine: Machine, batch: int, summed: int, m: int, columns: int, m_q: int) -> float:
    """Seconds of `batch` products (m, summed) @ (summed, columns) with the result of an earlier product."""
    if m_q >= THIN:
        return _gemm(machine, batch, m, summed, columns)
    # with sequences as columns: one product for all rows, on a reordered state
    reordered = 2 * FLOAT * batch * summed * columns / machine.bandwidth
    return _gemm(machine, 1, batch * columns, summed, m) + reordered
