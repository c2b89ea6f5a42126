"""Small multiples: a grid of panels with shared axes, one legend above, and one look per model in all figures."""

import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from workflow.datasets.protocols import SIBLINGS
from workflow.reporting import models, statistics
from workflow.reporting.numbers import extent
from workflow.reporting.records import EXPERIMENT
from workflow.reporting.results import Results

mpl.use("agg")  # never open a window
COLUMN, PAGE = 3.25, 6.875  # inches, width of a column of CVPR, which IEEEtran and acmart exceed, and of its page
HALF, WHOLE = 4.0, 8.0  # inches, largest height of a figure, which shares half a page, or a page, with its caption
ACROSS = 6  # panels in a row
CHARACTER, LINE = 0.074, 0.14  # inches, mean width of a character of a title, and height of a line of text
LABELS = 0.8  # inches that the labels of numbered axes and of the rows take
FEW = 4  # lines of a legend, above which a figure of one column is as wide as a page
VARIANTS = (("--", 0.45), (":", 0.25), ("-.", 0.6))  # dashes of a family's variants, and how far they are lighter
DARK = "#333333"  # for marks that belong to no model
SPARE = (("#CC79A7", "P"), ("#882255", "X"), ("#44AA99", "<"), ("#999933", ">"))  # of families unknown to the layout


class Look(NamedTuple):
    """How a model or a series of dots is shown; `size` of the marker in points squared."""

    label: str
    colour: str
    marker: str = "o"
    dashes: str = "-"
    hollow: bool = False
    size: float = 28.0


PROTOCOLS = {  # in every figure with both
    "group": Look("group: split by source", DARK),
    "random": Look("random: split clip by clip", "#CC79A7", "D", hollow=True),
}


def look(results: Results, model: str) -> Look:
    """Return a model's look: its family's; a variant is lighter and dashed, because colour alone is not enough."""
    family, label = models.get(results, model).family, models.label(results, model)
    entry = results.layout["models"].get(family)
    families = dict.fromkeys([*(models.get(results, name).family for *_, name in results.places), family])
    spare = [name for name in families if name not in results.layout["models"]]
    colour, marker = (entry["colour"], entry["marker"]) if entry else SPARE[spare.index(family) % len(SPARE)]
    if model == family:
        return Look(label, colour, marker)
    known = models.compared(results)["model"].unique()
    variants = [name for name in known if name != family and models.get(results, name).family == family]
    dashes, white = VARIANTS[variants.index(model) % len(VARIANTS) if model in variants else 0]
    red, green, blue = (white + (1 - white) * channel for channel in to_rgb(colour))
    return Look(label, to_hex((red, green, blue)), marker, dashes)


def draw(
    data: pd.DataFrame,
    panel: Callable[[Axes, pd.DataFrame], None],
    legend: Sequence[Line2D],
    labels: tuple[str, str],
    height: float,
    tallest: float = HALF,
    margin: float = LABELS,
    **sharing: Any,
) -> Figure:
    """Draw a panel per value of the columns `column` and `row`, in order of appearance; `panel` draws the rows of one.

    labels: of the axes. height: that of a panel in inches, reduced if the figure would be higher than `tallest`.
    margin: inches that the labels of the axes and of the rows take.
    `sharing` holds sharex and sharey, True by default. The figure's label is the extent of the column n, for captions.
    """
    alone = data["column"].nunique() == 1
    narrow = alone and lines(legend, COLUMN) <= FEW and height * data["row"].nunique() < tallest
    if alone and not narrow:  # side by side
        data = data.assign(column=(data["column"] + ": " + data["row"]).str.removesuffix(": "), row="")
    heads, rows = (list(dict.fromkeys(data[name])) for name in ("column", "row"))
    across, width = min(len(heads), ACROSS), COLUMN if narrow else PAGE
    down = -(-len(heads) // across) * len(rows)
    room = int((width - margin) / across / CHARACTER)
    titles = ["\n".join(textwrap.fill(line, room) for line in head.split("\n")) for head in heads]
    text = 5.5 + max(title.count("\n") for title in titles) + lines(legend, width)
    size = width, min(down * height + LINE * text, tallest)
    sharing = {"sharex": True, "sharey": True} | sharing
    figure, grid = plt.subplots(down, across, squeeze=False, figsize=size, layout="constrained", **sharing)
    parts = dict(iter(data.groupby(["column", "row"], sort=False)))
    used = {}
    for place, head in enumerate(heads):
        present = [row for row in rows if (head, row) in parts]
        for row in present:
            at = place // across * len(rows) + rows.index(row), place % across
            used[at] = row
            panel(grid[at], parts[head, row])
            grid[at].set(xlabel="", ylabel="")
            if row == present[0]:
                grid[at].set_title(titles[place])
    for at, axes in np.ndenumerate(grid):
        if at not in used:
            axes.remove()
            continue
        if (at[0] + 1, at[1]) not in used:
            axes.tick_params(labelbottom=True)
        if (at[0], at[1] - 1) not in used:
            axes.tick_params(labelleft=True)
        if (at[0], at[1] + 1) not in used:
            aside = {"xycoords": "axes fraction", "xytext": (3, 0), "textcoords": "offset points", "va": "center"}
            name = textwrap.fill(used[at], max(10, int((size[1] - LINE * text) / down / CHARACTER)))
            axes.annotate(name, (1, 0.5), rotation=270, fontweight="bold", **aside)
    figure.supxlabel(labels[0])
    figure.supylabel(labels[1])
    if legend:
        figure.legend(handles=legend, loc="outside upper center", ncols=-(-len(legend) // lines(legend, width)))
    figure.set_label(extent(data["n"], between="–") if "n" in data else "")
    plt.close(figure)  # pyplot keeps a figure until it is closed
    return figure


def lines(legend: Sequence[Line2D], width: float) -> int:
    """Return how many lines the entries of a legend take at a width in inches."""
    longest = max((len(str(entry.get_label())) for entry in legend), default=0)
    return -(-len(legend) // max(1, int(width / (0.5 + 0.052 * longest))))


def entry(look: Look, **style: Any) -> Line2D:
    """Return a legend entry, with the label and colour of `look`: a marker if `style` has one, else a line."""
    line = {"label": look.label, "color": look.colour, "linestyle": "" if "marker" in style else "-"}
    return Line2D([], [], **line | style)


def experiments(results: Results, every: bool = False) -> list[tuple[str, str, str, str]]:
    """Return (dataset, front_end, model, protocol) of the experiments with finished runs, in table order.

    every: include models that differ from an earlier one only in ranks or in the values searched.
    """
    known = (results.experiments if every else models.compared(results)).itertuples(index=False, name=None)
    return [experiment for experiment in known if len(results.successful(*experiment))]


def main_experiments(results: Results, every: bool = False) -> list[tuple[str, str, str, str]]:
    """Return `experiments` without the protocols that fix the share of siblings, unless there are no others."""
    found = experiments(results, every)
    return [experiment for experiment in found if experiment[3] not in SIBLINGS] or found


def accuracies(results: Results, measure: str = "", every: bool = False) -> pd.DataFrame:
    """Return a row per one of `main_experiments`: its names, n, `value`, and `low` and `high` around it.

    Accuracies are in percent; the interval is one standard deviation to each side, within 0 and 100, NaN for fewer than
    FEWEST runs. measure: `Results.shown` by default.
    """
    rows = []
    for experiment in main_experiments(results, every):
        shown = results.shown(*experiment[:2], siblings=experiment[3] in SIBLINGS)
        found = statistics.summary(results, measure or shown, *experiment)
        rows.append([*experiment, found.n, 100 * found.mean, 100 * found.std])
    data = pd.DataFrame(rows, columns=[*EXPERIMENT, "n", "value", "std"]).query("n > 0")
    reach = data.pop("std").where(data["n"] >= statistics.FEWEST)
    return data.assign(low=(data["value"] - reach).clip(lower=0), high=(data["value"] + reach).clip(upper=100))


def titled(results: Results, data: pd.DataFrame) -> pd.DataFrame:
    """Add the printed names of models, `label`, and of panels: `column`, of data and front end, `row`, of protocols."""
    places = data[["dataset", "front_end"]].itertuples(index=False, name=None)
    columns = [results.data_label(*place) for place in places]
    rows = [f"protocol {results.label('protocol', name)}" for name in data.get("protocol", [])]
    return data.assign(label=[models.label(results, model) for model in data["model"]], column=columns, row=rows or "")
