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
from workflow.reporting.results import Results
from workflow.reporting.statistics import FEWEST

ASIDE = 0.05  # decades from one model to the next, where several have almost the same size
LINES = ((0, (1, 1.5)), (0, (5, 2)), (0, (5, 1.5, 1, 1.5)))  # of baselines without weights


def table(results: Results) -> pd.DataFrame:
    """Return a row per experiment: panel, model, weights, and the accuracies in percent."""
    rows = []
    for experiment in panels.experiments(results):
        dataset, front_end, model, protocol = experiment
        chosen = statistics.summary(results, "test_accuracy", *experiment)
        best = statistics.summary(results, "best_epoch_accuracy", *experiment)
        row = {
            "place": (dataset, front_end, protocol),
            "model": model,
            "weights": models.recorded_weights(results, *experiment) or 0,
        }
        row |= {"weights": models.recorded_weights(results, *experiment) or 0}
        row |= {"mean": 100 * chosen.mean, "std": 100 * chosen.std, "best": 100 * best.mean, "n": chosen.n}
        rows.append(row | {"label": style.label(results, model)})
    data = pd.DataFrame(rows)
    alike = data.groupby(["place", np.log10(data["weights"].clip(lower=1)).round(1)])["model"]
    aside = alike.cumcount() - (alike.transform("size") - 1) / 2
    data["shown"] = data["weights"] * 10 ** (ASIDE * aside)
    for place, found in data.groupby("place", sort=False):
        head = f"{panels.setting(results, *place[:2])}: {place[2]}"
        data.loc[found.index, "panel"] = panels.title(head, found["n"])
    return data


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
        bar = {"ecolor": style.colour(results, row.model), "elinewidth": 0.7}
        axes.errorbar(row.shown, row.mean, row.std, fmt="none", zorder=1.5, **bar)
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
