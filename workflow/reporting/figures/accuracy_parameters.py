"""Test accuracy against the number of weights (logarithmic axis). Markers: mean over n = {n} runs, at the epoch chosen
on validation (the last one where a protocol has no validation part). Vertical bars: one standard deviation of three
runs or more, ending at 0 and 100. Short horizontal bars: at the best test epoch, which is optimistic. Models of nearly
equal size stand next to one another. Baselines without weights are horizontal lines.
"""

from itertools import cycle

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from workflow.reporting import models
from workflow.reporting.drawing import panels
from workflow.reporting.drawing.figure import Canvas, Figure
from workflow.reporting.records import EXPERIMENT
from workflow.reporting.results import Results

OFFSET, MOST = 0.05, 0.4  # decades on the x axis between two models, and all models, of nearly the same size
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


def draw(results: Results) -> Canvas:
    """Draw a panel per data set, front end and protocol."""
    data = table(results)
    sized = data[data["weights"] > 0]
    looks = {model: panels.look(results, model) for model in data["model"]}
    scale = 0.5 if data["column"].nunique() > 3 else 1  # of the marks, in narrow panels
    lines = dict(zip(data.loc[data["weights"] == 0, "model"].unique(), cycle(LINES), strict=False))

    def panel(axes: Axes, rows: pd.DataFrame) -> None:
        axes.set(xscale="log", ylim=(0, 100))
        if len(sized):
            axes.set_xlim(sized["weights"].min() / 4, sized["weights"].max() * 4)
        axes.minorticks_off()
        for model, row in rows.groupby("model", sort=False):
            look, large = looks[model], looks[model].marker == "*"
            if (row["weights"] == 0).all():
                axes.axhline(row["value"].item(), color=look.colour, ls=lines[model], lw=1, zorder=1)
                continue
            reach = [row["value"] - row["low"], row["high"] - row["value"]]
            axes.errorbar(row["x"], row["value"], reach, fmt="none", ecolor=look.colour, elinewidth=0.7, zorder=1.5)
            own = {"data": row, "x": "x", "color": look.colour, "ax": axes}
            sns.scatterplot(**own, y="best", marker="_", s=60 * scale, linewidth=1.2, zorder=1.1)
            sns.scatterplot(
                **own, y="value", marker=look.marker, s=scale * (75 if large else 26), linewidth=0.8, zorder=1.2
            )

    legend = [panels.entry(looks[model], marker=looks[model].marker) for model in sized["model"].unique()]
    legend += [panels.entry(looks[model], linestyle=line) for model, line in lines.items()]
    legend.append(panels.entry(panels.Look("best test epoch", panels.DARK), marker="_", markersize=7))
    return panels.draw(data, panel, legend, ("weights, W + U (log scale)", "test accuracy (%)"), 1.6)


FIGURE = Figure("accuracy_parameters", "Accuracy against parameters", 10, __doc__, draw)
