"""A dot plot: a row per model, a dot with its interval per series, a panel per data set or quantity."""

from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from workflow.reporting.drawing import panels
from workflow.reporting.statistics import FEWEST

ROW = 0.19  # inches per model
APART, MOST = 0.3, 0.8  # of a row: from one series to the next, at most, and from the first to the last


class Series(NamedTuple):
    """A legend entry and its look."""

    label: str
    colour: str
    marker: str = "o"
    hollow: bool = False
    size: float = 28.0  # of the marker, points squared


def deviations(data: pd.DataFrame) -> pd.DataFrame:
    """Add the interval of one standard deviation, column `std`, around `value`; NaN for fewer than FEWEST runs."""
    reach = data["std"].where(data["n"] >= FEWEST)
    return data.assign(low=data["value"] - reach, high=data["value"] + reach)


def draw(
    data: pd.DataFrame, series: dict[Any, Series], columns: int, xlabel: str = "test accuracy (%)", percent: bool = True
) -> Figure:
    """Draw columns `panel`, `label` (of the row), `series`, `value`, and the interval `low`, `high` (NaN: none).

    With `percent`, panels share an axis from 0 to 100; an interval that leaves it ends in an arrow at the edge.
    """
    labels, names = list(dict.fromkeys(data["label"])), list(series)
    apart = min(APART, MOST / len(names))
    aside = {name: apart * (index - (len(names) - 1) / 2) for index, name in enumerate(names)}
    places = data["label"].map(labels.index) + data["series"].map(aside)
    height = 0.8 + ROW * len(labels) * max(1.0, len(names) / 3)
    facets = panels.grid(data.assign(place=places), columns, height, sharex=percent)
    facets.map_dataframe(_panel, series=series, percent=percent)
    facets.set(yticks=range(len(labels)), yticklabels=labels, ylim=(len(labels) - 0.4, -0.6))
    if percent:
        facets.set(xlim=(-2, 102))
    facets.set_axis_labels(xlabel, "")
    return panels.finish(facets, [_key(entry) for entry in series.values()])


def _panel(data: pd.DataFrame, series: dict[Any, Series], percent: bool, **_) -> None:
    axes = plt.gca()
    for name, entry in series.items():
        rows = data[data["series"] == name]
        _intervals(axes, rows, entry.colour, percent)
        look = {"facecolor": "white", "edgecolor": entry.colour} if entry.hollow else {"color": entry.colour}
        sns.scatterplot(rows, x="value", y="place", marker=entry.marker, s=entry.size, linewidth=1, ax=axes, **look)


def _intervals(axes: Axes, rows: pd.DataFrame, colour: str, percent: bool) -> None:
    rows = rows.dropna(subset=["low", "high"])
    low, high = rows["low"], rows["high"]
    if percent:
        for beyond, edge, arrow in ((low < 0, 0, "<"), (high > 100, 100, ">")):
            axes.plot([edge] * beyond.sum(), rows["place"][beyond], arrow, color=colour, markersize=3)
        low, high = low.clip(lower=0), high.clip(upper=100)
    reach = [rows["value"] - low, high - rows["value"]]
    axes.errorbar(rows["value"], rows["place"], xerr=reach, fmt="none", ecolor=colour, elinewidth=0.8, zorder=0.9)


def _key(entry: Series) -> Line2D:
    found = Line2D([], [], color=entry.colour, linestyle="", label=entry.label, markersize=entry.size**0.5)
    found.set_marker(entry.marker)
    found.set_markerfacecolor("white" if entry.hollow else entry.colour)
    return found
