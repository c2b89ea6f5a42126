"""A dot plot: a row per model, a dot with its interval per series, a panel per data set, protocol or quantity."""

from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow.reporting.drawing import panels

ACCURACY = "test accuracy (%)"
ROW = 0.17  # inches per model
CHARACTER = 0.052  # inches, mean width of a character of a label
APART, MOST = 0.3, 0.8  # of a row's height: largest distance between two series, and between first and last


def draw(
    data: pd.DataFrame, series: dict[Any, panels.Look], label: str = ACCURACY, tallest: float = panels.HALF
) -> Figure:
    """Draw columns `column`, `row`, `label` of the model, `series`, `value`, and the interval `low`, `high` (or NaN).

    label: of the axis of values. Panels of accuracies share an axis from 0 to 100.
    """
    labels = list(data["label"].unique())
    apart = min(APART, MOST / len(series))
    aside = {name: apart * (index - (len(series) - 1) / 2) for index, name in enumerate(series)}
    data = data.assign(place=data["label"].map(labels.index) + data["series"].map(aside))

    def panel(axes: Axes, rows: pd.DataFrame) -> None:
        for name, own in series.items():
            found = rows[rows["series"] == name]
            bars = found.dropna(subset=["low", "high"])
            reach = [bars["value"] - bars["low"], bars["high"] - bars["value"]]
            look: Any = {"fmt": "none", "ecolor": own.colour, "elinewidth": 0.8, "zorder": 0.9}
            axes.errorbar(bars["value"], bars["place"], xerr=reach, **look)
            look = {"facecolor": "white", "edgecolor": own.colour} if own.hollow else {"color": own.colour}
            sns.scatterplot(found, x="value", y="place", marker=own.marker, s=own.size, linewidth=1, ax=axes, **look)
        axes.set(yticks=range(len(labels)), yticklabels=labels, ylim=(len(labels) - 0.4, -0.6))
        if label == ACCURACY:
            axes.set_xlim(-2, 102)

    legend = []
    for own in series.values():
        fill = "white" if own.hollow else own.colour
        legend.append(panels.entry(own, marker=own.marker, markerfacecolor=fill, markersize=own.size**0.5))
    height = 0.3 + ROW * len(labels) * max(1.0, len(series) / 3)
    margin = max(panels.LABELS, 0.3 + CHARACTER * max(map(len, labels)))
    return panels.draw(data, panel, legend, (label, ""), height, tallest, margin, sharex=label == ACCURACY)
