"""Test accuracy against the number of weights."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from workflow.reporting import models, statistics
from workflow.reporting.drawing import panels, style
from workflow.reporting.drawing.figure import Figure
from workflow.reporting.records import EXPERIMENT
from workflow.reporting.results import Results
from workflow.reporting.statistics import FEWEST

ASIDE = 0.05  # decades from one model to the next, where several have almost the same size
LINES = ((0, (1, 1.5)), (0, (5, 2)), (0, (5, 1.5, 1, 1.5)))  # of baselines without weights


def table(results: Results) -> pd.DataFrame:
    """Return a row per experiment with its weights, accuracies in percent, and where it is shown on the axis."""
    data = pd.DataFrame(panels.experiments(results), columns=EXPERIMENT)
    rows = []
    for experiment in data.itertuples(index=False, name=None):
        chosen = statistics.summary(results, "test_accuracy", *experiment)
        best = statistics.summary(results, "best_epoch_accuracy", *experiment)
        row = {"weights": models.recorded_weights(results, *experiment) or 0, "n": chosen.n}
        rows.append(row | {"mean": 100 * chosen.mean, "std": 100 * chosen.std, "best": 100 * best.mean})
    data = panels.titled(results, data.join(pd.DataFrame(rows)))
    alike = data.groupby(["panel", np.log10(data["weights"].clip(lower=1)).round(1)])["model"]
    aside = alike.cumcount() - (alike.transform("size") - 1) / 2
    return data.assign(shown=data["weights"] * 10 ** (ASIDE * aside))


def draw(results: Results) -> Canvas:
    """Draw a panel per data set, front end and protocol."""
    data = table(results)
    flat = data.loc[data["weights"] == 0, "model"].drop_duplicates()
    sized = data.loc[data["weights"] > 0, "model"].drop_duplicates()
    lines = {model: LINES[index % len(LINES)] for index, model in enumerate(flat)}
    facets = panels.grid(data, 4 if data["panel"].nunique() > 3 else 2, 2.3)
    facets.map_dataframe(_panel, results=results, lines=lines)
    for axes in facets.axes.flat:
        axes.set(xscale="log", ylim=(0, 100))
        axes.xaxis.set_major_locator(LogLocator(10, numticks=20))
        axes.xaxis.set_minor_locator(NullLocator())
    known = data.loc[data["weights"] > 0, "weights"]
    if len(known):
        facets.set(xlim=(known.min() / 2.5, known.max() * 2.5))
    facets.set_axis_labels("weights, W + U (log scale)", "test accuracy (%)")
    handles = [panels.key(results, model) for model in sized]
    handles += [
        Line2D([], [], color=style.colour(results, model), ls=line, label=style.label(results, model))
        for model, line in lines.items()
    ]
    handles.append(Line2D([], [], color=panels.DARK, marker="_", ls="", markersize=7, label="best test epoch"))
    return panels.finish(facets, handles)


def _panel(data: pd.DataFrame, results: Results, lines: dict, **_) -> None:
    axes = plt.gca()
    for row in data[data["weights"] == 0].itertuples():
        axes.axhline(row.mean, color=style.colour(results, row.model), ls=lines[row.model], lw=1, zorder=1)
    rows = data[data["weights"] > 0]
    for row in rows[rows["n"] >= FEWEST].itertuples():
        colour = style.colour(results, row.model)
        axes.errorbar(row.shown, row.mean, row.std, fmt="none", ecolor=colour, elinewidth=0.7, zorder=1.5)
    look = {"x": "shown", "hue": "label", "palette": style.palette(results, rows["model"]), "legend": False}
    markers = {style.label(results, model): style.marker(results, model) for model in rows["model"]}
    sizes = {name: 75 if marker == "*" else 26 for name, marker in markers.items()}
    sns.scatterplot(rows, y="best", marker="_", s=60, linewidth=1.2, ax=axes, **look)
    for name, row in rows.groupby("label", sort=False):
        sns.scatterplot(row, y="mean", marker=markers[name], s=sizes[name], linewidth=0.8, ax=axes, **look)


FIGURE = Figure(
    name="accuracy_parameters",
    title="Accuracy against parameters",
    place=10,
    caption="Test accuracy against the number of weights (logarithmic axis). Markers: at the epoch chosen on "
    "validation, with one standard deviation over three runs or more; short bars: at the best test epoch, which is "
    "optimistic. Models of almost equal size stand side by side. Baselines without weights are horizontal lines.",
    empty="No finished run has an accuracy.",
    draw=draw,
)
