"""A dot plot: a row per model, a dot with its interval per series, a panel per data set or quantity."""

from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow.reporting.drawing import panels

ROW = 0.19  # inches per model
APART, MOST = 0.3, 0.8  # of a row's height: largest distance between two series, and between first and last


def draw(data: pd.DataFrame, series: dict[Any, panels.Look], columns: int, percent: bool = True) -> Figure:
    """Draw columns `panel`, `label` (of the row), `series`, `value`, and the interval `low`, `high` (NaN: none).

    With `percent`, values are test accuracies; panels share an axis from 0 to 100, beyond which an interval ends in an
    arrow.
    """
    labels = list(data["label"].unique())
    apart = min(APART, MOST / len(series))
    aside = {name: apart * (index - (len(series) - 1) / 2) for index, name in enumerate(series)}
    data = data.assign(place=data["label"].map(labels.index) + data["series"].map(aside))

    def panel(axes: Axes, rows: pd.DataFrame) -> None:
        for name, own in series.items():
            found = rows[rows["series"] == name]
            _intervals(axes, found.dropna(subset=["low", "high"]), own.colour, percent)
            look = {"facecolor": "white", "edgecolor": own.colour} if own.hollow else {"color": own.colour}
            sns.scatterplot(found, x="value", y="place", marker=own.marker, s=own.size, linewidth=1, ax=axes, **look)
        axes.set(yticks=range(len(labels)), yticklabels=labels, ylim=(len(labels) - 0.4, -0.6))
        if percent:
            axes.set_xlim(-2, 102)

    legend = []
    for own in series.values():
        fill = "white" if own.hollow else own.colour
        legend.append(panels.entry(own, marker=own.marker, markerfacecolor=fill, markersize=own.size**0.5))
    height = 0.8 + ROW * len(labels) * max(1.0, len(series) / 3)
    labelled = "test accuracy (%)" if percent else ""
    return panels.draw(data, panel, legend, height, (labelled, ""), columns, sharex=percent)


def _intervals(axes: Axes, rows: pd.DataFrame, colour: str, percent: bool) -> None:
    low, high = rows["low"], rows["high"]
    if percent:
        for beyond, edge, arrow in ((low < 0, 0, "<"), (high > 100, 100, ">")):
            axes.plot([edge] * beyond.sum(), rows["place"][beyond], arrow, color=colour, markersize=3)
        low, high = low.clip(lower=0), high.clip(upper=100)
    reach = [rows["value"] - low, high - rows["value"]]
    axes.errorbar(rows["value"], rows["place"], xerr=reach, fmt="none", ecolor=colour, elinewidth=0.8, zorder=0.9)
