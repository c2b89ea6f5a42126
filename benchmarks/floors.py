"""The roofline: what a forward must read and multiply at least, compared with what the machine can do."""

from pathlib import Path

import matplotlib
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


def figure(table: pd.DataFrame, path: Path) -> None:
    """Achieved multiply-adds per second against arithmetic intensity, under the roof of the measured machine."""
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import seaborn

    figure, axes = plt.subplots(layout="constrained")
    intensity, achieved = table.multiply_adds / table.bytes, table.multiply_adds / table.min_ms / 1e6
    points = table.assign(intensity=intensity, achieved=achieved)
    seaborn.scatterplot(points, x="intensity", y="achieved", hue="model", style="case", ax=axes)
    roof = np.geomspace(0.3, 3000, 200)
    for rate, bandwidth in table[["rate", "bandwidth"]].drop_duplicates().to_numpy():
        axes.plot(roof, np.minimum(rate, roof * bandwidth) / 1e9, color="black")
    axes.set(xscale="log", yscale="log", xlabel="multiply-adds per byte", ylabel=r"$10^9$ multiply-adds / s")
    for suffix in (".pdf", ".png"):
        figure.savefig(path.with_suffix(suffix), dpi=200)
    plt.close(figure)
