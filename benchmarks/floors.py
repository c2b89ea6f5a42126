"""The roofline: what a forward must read and multiply at least, compared with what the machine can do."""

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

import baselines
from benchmarks.cases import Case


def rows(case: Case, best: tuple[float, float], found: list[dict]) -> list[dict]:
    """For each of our models: bytes and multiply-adds of a forward at least, the floor, and the measured time.

    bytes: x once (uint8 pixels or float32) and the weights once. multiply-adds: of the order of contraction that
    needs fewest, for all rows, and the recurrent part; nothing for preparing the cores. best: `measure.machine`.
    """
    rate, bandwidth = best
    result = []
    for measured in found:
        if measured["implementation"] != "ours" or measured["pass"] != "forward":
            continue
        complexity = baselines.declare(**case.declared[measured["model"]]).complexity()
        steps = measured["batch"] * measured["frames"]
        total = steps * case.input_size * (1 if case.raw else 4) + 4 * complexity["weights"]
        adds = steps * complexity["multiply_adds"]
        floor_ms = 1e3 * max(total / bandwidth, adds / rate)
        result.append(
            {
                **{key: measured[key] for key in ("case", "model", "device", "batch", "frames")},
                "bytes": total,
                "multiply_adds": adds,
                "bandwidth": bandwidth,
                "rate": rate,
                "floor_ms": floor_ms,
                "min_ms": measured["min_ms"],
                "ratio": measured["min_ms"] / floor_ms,
            }
        )
    return result


def figure(table: pd.DataFrame, path: Path) -> None:
    """Achieved multiply-adds per second against arithmetic intensity, under the roof of the measured machine."""
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5.2, 3.6), layout="constrained")
    intensity = np.geomspace(0.3, 3000, 200)
    for rate, bandwidth in table[["rate", "bandwidth"]].drop_duplicates().to_numpy():
        axes.plot(intensity, np.minimum(rate, intensity * bandwidth) / 1e9, "k-", lw=1)
    for (device, model, case), points in table.groupby(["device", "model", "case"]):
        achieved = points.multiply_adds / points.min_ms / 1e6
        axes.plot(points.multiply_adds / points.bytes, achieved, "o", ms=4, label=f"{model} {case}, {device}")
    axes.set(xscale="log", yscale="log", xlabel="multiply-adds per byte", ylabel=r"$10^9$ multiply-adds / s")
    axes.legend(fontsize=5, ncols=2)
    for suffix in (".pdf", ".png"):
        figure.savefig(path.with_suffix(suffix), dpi=200)
    plt.close(figure)
