"""Test accuracy against the number of weights (logarithmic axis). Markers: mean over n = {n} runs, at the epoch chosen
on validation (the last one where a protocol has no validation part). Vertical bars: one standard deviation, for three
or more runs, cut at 0 and 100. Short horizontal bars: at the best test epoch, which is optimistic. Models of nearly
equal size are moved apart by up to 12 %. Baselines without weights are horizontal lines. Vertical axes may differ and
start above 0; a baseline below the axis is named at its foot.
"""

from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from workflow.reporting import models
from workflow.reporting.drawing import panels
from workflow.reporting.drawing.figure import Canvas, Figure
from workflow.reporting.records import EXPERIMENT
from workflow.reporting.results import Results

OFFSET, MOST = 0.02, 0.1  # decades on the x axis between two models, and all models, of nearly the same size
LINES = ((0, (1, 1.5)), (0, (5, 2)), (0, (5, 1.5, 1, 1.5)))  # of baselines without weights


def table(results: Results) -> pd.DataFrame:
    """Return a row per experiment with its weights, accuracies in percent and x position."""
    data = panels.titled(results, panels.accuracies(results))
    data["best"] = panels.accuracies(results, "best_epoch_accuracy")["value"]
    experiments = data[EXPERIMENT].itertuples(index=False, name=None)
    data["weights"] = [models.recorded_weights(results, *experiment) or 0 for experiment in experiments]
    similar = data.groupby(["column", "row", np.log10(data["weights"].clip(lower=1)).round(1)])["model"]
    size = similar.transform("size")
    offset = (MOST / size).clip(upper=OFFSET) * (similar.cumcount() - (size - 1) / 2)
    return data.assign(x=data["weights"] * 10**offset)


def ends(sized: pd.DataFrame, every: pd.DataFrame) -> tuple[float, float]:
    """Return the whole tens below all marks, or below the baselines if there are none, and above everything."""
    low = min(10 * ((sized if len(sized) else every)[["low", "value"]].min().min() // 10), 90)
    return low, max(10 * -(-every[["value", "high", "best"]].max().max() // 10), low + 10)


def draw(results: Results) -> Canvas:
    """Draw a panel per data set, front end and protocol."""
    data = table(results)
    sized = data[data["weights"] > 0]
    looks = {model: panels.look(results, model) for model in data["model"]}
    narrow = data["column"].nunique() > 3  # panels: smaller marks, one vertical axis
    scale = 0.6 if narrow else 1
    lines = dict(zip(data.loc[data["weights"] == 0, "model"].unique(), cycle(LINES), strict=False))

    def panel(axes: Axes, rows: pd.DataFrame) -> None:
        own = rows[rows["weights"] > 0]
        lowest, highest = (0, 100) if narrow else ends(own, rows)
        axes.set(xscale="log", ylim=(lowest, highest + (highest - lowest) / 40))
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axes.margins(x=0)
        if len(own):
            axes.update_datalim([(own["weights"].min() / 3, lowest), (own["weights"].max() * 3, lowest)])
        axes.minorticks_off()
        foot = "\n".join(f"↓ {row.label} {row.value:.0f} %" for row in rows[rows["value"] < lowest].itertuples())
        axes.annotate(foot, (0.99, 0.02), xycoords="axes fraction", ha="right", fontsize=6)
        for model, row in rows.groupby("model", sort=False):
            look, large = looks[model], looks[model].marker == "*"
            if (row["weights"] == 0).all():
                axes.axhline(row["value"].item(), color=look.colour, ls=lines[model], lw=1, zorder=1)
                continue
            reach = [row["value"] - row["low"], row["high"] - row["value"]]
            bar: Any = {"fmt": "none", "ecolor": look.colour, "elinewidth": 0.7, "capsize": 0, "zorder": 1.1}
            axes.errorbar(row["x"], row["value"], reach, **bar)
            mark = {"data": row, "x": "x", "color": look.colour, "ax": axes}
            sns.scatterplot(**mark, y="best", marker="_", s=22 * scale, linewidth=1.2, zorder=1.2)
            size, order = (55, 1.4) if large else (22, 1.3)
            sns.scatterplot(**mark, y="value", marker=look.marker, s=size * scale, linewidth=0.5, zorder=order)

    legend = [panels.entry(looks[model], marker=looks[model].marker) for model in sized["model"].unique()]
    legend += [panels.entry(looks[model], linestyle=line) for model, line in lines.items()]
    legend.append(panels.entry(panels.Look("best test epoch", panels.DARK), marker="_", markersize=7))
    labels = ("weights, W + U (log scale)", "test accuracy (%)")
    return panels.draw(data, panel, legend, labels, 1.6, sharex="col", sharey=narrow)


FIGURE = Figure("accuracy_parameters", "Accuracy against parameters", 10, __doc__, draw)
