"""What a forward must read and multiply at least, compared with what the machine can do."""

import numpy as np
import pandas as pd

import baselines
from benchmarks.cases import Case

COLUMNS = [
    "case", "model", "device", "batch", "frames", "bytes", "multiply_adds", "bandwidth", "rate", "floor_ms", "min_ms",
    "ratio",
]  # fmt: skip


def rows(cases: dict[str, Case], best: tuple[float, float], speeds: pd.DataFrame) -> list[dict]:
    """Return a row per forward of our models in `speeds`: the least bytes and multiply-adds, the floor, the time.

    bytes: x once (uint8 pixels or float32) and the weights once. multiply-adds: of the order of contraction that
    needs fewest, for all rows, and the recurrent part; nothing for preparing the cores. best: `measure.machine`.
    """
    table = speeds.query("implementation == 'ours' and `pass` == 'forward'").copy()
    found = [(cases[case], model) for case, model in zip(table["case"], table["model"], strict=True)]
    costs = [baselines.declare(**case.declared[model]).complexity() for case, model in found]
    least = pd.DataFrame(costs, table.index)
    input_bytes = [case.input_size * (1 if case.raw else 4) for case, _ in found]
    steps = table["batch"] * table["frames"]
    table["bytes"] = steps * input_bytes + 4 * least["weights"]
    table["multiply_adds"] = steps * least["multiply_adds"]
    table["rate"], table["bandwidth"] = best
    table["floor_ms"] = 1e3 * np.maximum(table["bytes"] / table["bandwidth"], table["multiply_adds"] / table["rate"])
    table["ratio"] = table["min_ms"] / table["floor_ms"]
    return table[COLUMNS].to_dict("records")
