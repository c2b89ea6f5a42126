"""How to apply a tensor network to rows of inputs: every plan, its estimated time, and the choice. Torch-free.

Three kinds of plan:
- `split`: merge the small cores of each half (see `fdht.engine.splits`), then two GEMMs. With Q first:
  (rows n_P, n_Q) @ (n_Q, s m_Q), then for every row (m_P, n_P s) @ (n_P s, m_Q); with P first the other way round.
  With Q first P may be cut again: three GEMMs.
- `sweep`: contract the input with one core after the other.
- `rebuild`: contract the cores to W (M, N), then one GEMM.

The fewest multiply-adds are not the shortest time: a contraction of small cores moves its state through memory at
every step, two GEMMs on contiguous matrices do not. So the choice is by time estimated from shapes alone, with the
machine reduced to three numbers.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from fdht.engine.splits import Between, Split, between, merge_order, splits
from fdht.network import Network


@dataclass(frozen=True)
class Machine:
    """multiply-adds per second of a large GEMM, bytes per second, seconds per operation; multiply-adds per second of
    bytes, for inputs that are used as such (see `fdht.engine.cpu.digits`), 0 where they are not."""

    rate: float
    bandwidth: float
    overhead: float
    bytes_rate: float = 0.0


# Orders of magnitude, enough to rank plans: two x86 cores, with float inputs and with bytes; a data-centre GPU.
# benchmarks/ checks the choices.
MACHINES = {
    "cpu": Machine(6e10, 1e10, 8e-6),
    "cpu, bytes": Machine(6e10, 1e10, 8e-6, 3e11),
    "cuda": Machine(2e13, 2e12, 6e-6),
}
BYTES = 4
THIN = 8  # m_Q, see fdht.engine.cpu.expansion
DIGITS = 3  # bytes that a weight is multiplied as, see fdht.engine.cpu.digits
SHORTEST = 300  # summands: in shorter sums, taking weights apart costs more than products of bytes save


@dataclass(frozen=True)
class Plan:
    """A way to apply a network; `kind` is split, sweep or rebuild."""

    kind: str
    split: Split | None = None
    q_first: bool = True
    between: Between | None = None  # Q first: how P is cut again
    path: tuple[int, ...] = ()  # sweep: positions in network.cores
    label: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.label

    def of(self, network: Network) -> "Plan":
        """This split of a network of the same cores in other sizes."""
        between = None if self.between is None else self.between.of(network)
        return replace(self, split=self.split.of(network), between=between)


@dataclass(frozen=True)
class Cost:
    """multiply-adds for the given rows, and to prepare (once, whatever the rows); elements; estimated seconds."""

    multiply_adds: int
    prepare: int
    peak: int  # largest intermediate result that depends on the rows, in elements
    seconds: float
    formula: str


def plans(network: Network) -> Iterator[Plan]:
    """Every plan that the engine can execute for `network`."""
    yield Plan("rebuild", label="rebuild")
    for split in splits(network):
        for q_first in (True, False):
            label = f"split n{split.inputs} m{split.outputs} {'Q' if q_first else 'P'} first"
            yield Plan("split", split, q_first, label=label)
        for again in between(split):
            label = f"split n{split.inputs} m{split.outputs}, n{again.inner.inputs} m{again.inner.outputs} Q first"
            yield Plan("split", split, True, again, label=label)
    if len(network.cores) > 1:
        for backwards in (True, False):  # the last mode is contiguous: first where the estimates are equal
            path = _sweep_path(network, backwards)
            yield Plan("sweep", path=path, label="sweep " + " ".join(network.cores[k].name for k in path))


@lru_cache(maxsize=4096)
def choose(network: Network, rows: int, device: str = "cpu") -> Plan:
    """The plan with the shortest estimated time for `rows` rows on `device`, a key of MACHINES."""
    return min(plans(network), key=lambda plan: cost(network, plan, rows, device).seconds)


@lru_cache(maxsize=4096)
def cost(network: Network, plan: Plan, rows: int, device: str = "cpu") -> Cost:
    """What `plan` costs for `rows` rows."""
    machine = MACHINES[device]
    return {"rebuild": _rebuild, "split": _split, "sweep": _sweep}[plan.kind](network, plan, rows, machine)


def _gemm(machine: Machine, batch: int, m: int, k: int, n: int) -> float:
    """Seconds of `batch` products (m, k) @ (k, n): arithmetic slowed down by thin sides, or memory traffic."""
    efficiency = (m / (m + 4)) * (k / (k + 8)) * (n / (n + 8))
    arithmetic = batch * m * k * n / machine.rate / efficiency + (batch > 1) * batch * machine.overhead / 16
    traffic = BYTES * batch * (m * k + k * n + 2 * m * n) / machine.bandwidth
    return max(arithmetic, traffic) + machine.overhead


def _first_product(machine: Machine, m: int, k: int, n: int) -> float:
    """Seconds of (m, k) @ (k, n) with the input on the left."""
    if not machine.bytes_rate or k < SHORTEST:
        return _gemm(machine, 1, m, k, n) + _converted(machine, m * k)
    products = m * k * DIGITS * n * (k + 16) / k / machine.bytes_rate
    return products + BYTES * n * (DIGITS * k + 2 * DIGITS * m) / machine.bandwidth + 20 * machine.overhead


def _converted(machine: Machine, elements: int) -> float:
    """Seconds of making bytes floats beforehand; none for inputs that are floats."""
    return 3 * BYTES * elements / machine.bandwidth if machine.bytes_rate else 0.0


def _merge(network: Network, cores, keep, machine: Machine) -> tuple[int, float]:
    """Multiply-adds and seconds of contracting `cores` among themselves."""
    operands = [core.indices for core in cores]
    adds, seconds = 0, 0.0
    for a, b, result in merge_order(operands, keep, network.sizes):
        joint = math.prod(network.sizes[i] for i in {*operands[a], *operands[b]})
        volume = math.prod(network.sizes[i] for i in result)
        adds += joint
        # Small permuted contractions: far from the rate of a GEMM, and their result is written and reordered.
        seconds += 2 * joint / machine.rate + 3 * BYTES * volume / machine.bandwidth + 3 * machine.overhead
        operands = [operand for k, operand in enumerate(operands) if k not in (a, b)] + [result]
    return adds, seconds


def _rebuild(network: Network, plan: Plan, rows: int, machine: Machine) -> Cost:
    N, M = network.input_size, network.output_size
    prepare, seconds = _merge(network, network.cores, (*network.outputs, *network.inputs), machine)
    return Cost(rows * N * M, prepare, rows * M, seconds + _gemm(machine, 1, rows, N, M), "N M")


def _split(network: Network, plan: Plan, rows: int, machine: Machine) -> Cost:
    split = plan.split
    n_p, m_p, s, n_q, m_q = split.shape
    if plan.between is not None:
        return _split_again(network, plan.between, rows, machine)
    prepare_p, seconds_p = _merge(network, split.first, split.first_order, machine)
    prepare_q, seconds_q = _merge(network, split.second, split.second_order, machine)
    if plan.q_first:
        seconds = _first_product(machine, rows * n_p, n_q, s * m_q)
        seconds += _later_product(machine, rows, n_p * s, m_p, m_q, m_q)
        adds, peak = rows * (n_p * n_q * s * m_q + n_p * s * m_p * m_q), rows * n_p * s * m_q
        formula = "n_P n_Q s m_Q + n_P s m_P m_Q"
    else:
        seconds = _gemm(machine, rows, s * m_p, n_p, n_q) + _gemm(machine, 1, rows * m_p, n_q * s, m_q)
        seconds += _converted(machine, rows * n_p * n_q)
        adds, peak = rows * (n_p * n_q * s * m_p + n_q * s * m_p * m_q), rows * n_q * s * m_p
        formula = "n_P n_Q s m_P + n_Q s m_P m_Q"
    return Cost(adds, prepare_p + prepare_q, peak, seconds + seconds_p + seconds_q, formula)


def _split_again(network: Network, between: Between, rows: int, machine: Machine) -> Cost:
    n_p, _, s, n_q, m_q = between.split.shape
    (n, c, w), (n_1, s_1, m_1) = between.shape, between.first_shape
    state, last = rows * n_p * s * m_q, network.output_size // m_1
    columns = s // c * m_q
    seconds = _first_product(machine, rows * n_p, n_q, s * m_q) + 10 * machine.overhead
    seconds += _later_product(machine, rows * n_1, n * c, w, columns, m_q)
    seconds += _later_product(machine, rows, n_1 * s_1, m_1, last, m_q)
    prepare = 0
    for cores, order in (
        (between.first, between.first_order),
        (between.cores, between.order),
        (between.split.second, between.second_order),
    ):
        adds, took = _merge(network, cores, order, machine)
        prepare, seconds = prepare + adds, seconds + took
    adds = rows * (n_p * n_q * s * m_q + n_1 * n * c * w * columns + n_1 * s_1 * m_1 * last)
    formula = "n_P n_Q s m_Q + n_P s w m_Q + n_1 s_1 M"
    return Cost(adds, prepare, max(state, rows * n_1 * w * columns), seconds, formula)


def _later_product(machine: Machine, batch: int, summed: int, m: int, columns: int, m_q: int) -> float:
    """Seconds of `batch` products (m, summed) @ (summed, columns) of what the first product leaves."""
    if m_q >= THIN:
        return _gemm(machine, batch, m, summed, columns)
    # for all rows together, on what lies between reordered (fdht.engine.cpu.expansion)
    reordered = 2 * BYTES * batch * summed * columns / machine.bandwidth
    return _gemm(machine, 1, batch * columns, summed, m) + reordered


def _sweep(network: Network, plan: Plan, rows: int, machine: Machine) -> Cost:
    sizes, adds, peak, seconds = network.sizes, 0, 0, 0.0
    state = set(network.inputs)
    for core, after in sweep_steps(network, plan.path):
        joint = rows * math.prod(sizes[i] for i in state | {*core.indices})
        before, volume = rows * math.prod(sizes[i] for i in state), rows * math.prod(sizes[i] for i in after)
        summed = max(1, joint // volume)
        adds, peak = adds + joint, max(peak, volume)
        seconds += _gemm(machine, 1, before // summed or 1, summed, max(1, joint // before))
        # the state is reordered before and after
        seconds += 1.5 * BYTES * (before + volume) / machine.bandwidth + 2 * machine.overhead
        state = set(after)
    return Cost(adds, 0, peak, seconds, "sum over the cores of |state x core|")


def sweep_steps(network: Network, path: tuple[int, ...]) -> list[tuple]:
    """(core, indices of the state after it) along the path, the state starting with all input modes."""
    state, steps = list(network.inputs), []
    for position, k in enumerate(path):
        core = network.cores[k]
        later = {i for other in path[position + 1 :] for i in network.cores[other].indices} | {*network.outputs}
        later |= {i for i in state if i.startswith("n") and i not in core.indices}
        state = [i for i in dict.fromkeys([*state, *core.indices]) if i in later]
        steps.append((core, tuple(state)))
    return steps


def _sweep_path(network: Network, backwards: bool) -> tuple[int, ...]:
    """Cores in an order that keeps the state small; from the first input modes on, or from the last."""
    left, path = list(range(len(network.cores))), []
    state = set(network.inputs)
    while left:
        best = None
        for k in left:
            indices = {*network.cores[k].indices}
            later = {i for other in left if other != k for i in network.cores[other].indices} | {*network.outputs}
            after = {i for i in state | indices if i in later}
            shared = bool(indices & state)
            volume = math.prod(network.sizes[i] for i in after)
            score = (not shared, volume, -k if backwards else k)
            if best is None or score < best[0]:
                best = (score, k, after)
        _, k, state = best
        left.remove(k)
        path.append(k)
    return tuple(path)
