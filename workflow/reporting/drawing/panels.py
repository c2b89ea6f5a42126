"""Small multiples: a grid of panels with shared axes, one legend below, and one look per model in all figures."""

import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from workflow.datasets.protocols import SIBLINGS
from workflow.reporting import layout as layouts
from workflow.reporting import models, statistics
from workflow.reporting.records import EXPERIMENT
from workflow.reporting.results import Results

mpl.use("agg")  # never open a window
COLUMN, PAGE, TALLEST = 3.4, 7.0, 8.0  # inches: width of a column and of a page, and height of all panels
CHARACTER = 0.08  # inches, mean width of a character of a title
LABELS = 1.0  # inches that the row labels of a single column may take from its titles
DASHES = ("--", ":", "-.")  # of the variants of a family
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


def look(results: Results, model: str) -> Look:
    """Return a model's look: its family's; a variant is lighter and dashed, because colour alone is not enough."""
    family, label = models.get(results, model).family, models.label(results, model)
    entry = results.layout["models"].get(family)
    colour, marker = (entry["colour"], entry["marker"]) if entry else SPARE[sum(family.encode()) % len(SPARE)]
    red, green, blue = (0.45 + 0.55 * channel for channel in to_rgb(colour))
    lighter = to_hex((red, green, blue))
    known = models.compared(results)["model"].unique()
    variants = [name for name in known if name != family and models.get(results, name).family == family]
    dashes = DASHES[variants.index(model) % len(DASHES)] if model in variants else DASHES[0]
    return Look(label, colour, marker) if model == family else Look(label, lighter, marker, dashes)


def draw(
    data: pd.DataFrame,
    panel: Callable[[Axes, pd.DataFrame], None],
    legend: Sequence[Line2D],
    height: float,
    labels: tuple[str, str],
    columns: int | None = None,
    **sharing: Any,
) -> Figure:
    """Draw a panel per value of the column `panel`, in order of appearance.

    `columns`: panels per row, by default 2, or 4 if there are many. `panel` draws the rows of one. `height`: that of a
    panel in inches, reduced if the panels would not fit on a page. `sharing` holds sharex and sharey, True by default.
    """
    names = list(data["panel"].unique())
    columns = min(columns or (4 if len(names) > 3 else 2), len(names))
    height = min(height, TALLEST / -(-len(names) // columns))
    width = (COLUMN if columns == 1 else PAGE) / columns
    size = {"height": height, "aspect": width / height}
    facets = sns.FacetGrid(data, col="panel", col_order=names, col_wrap=columns, **size, **sharing)
    room = int((width - LABELS * (columns == 1)) / CHARACTER)
    for index, (name, axes) in enumerate(facets.axes_dict.items()):
        panel(axes, data[data["panel"] == name])
        axes.set_title("\n".join(textwrap.fill(line, room) for line in name.split("\n")))
        if sharing.get("sharex", True) and index + columns < len(names):
            axes.tick_params(labelbottom=False)
    facets.set_axis_labels(*labels)
    figure = facets.figure
    if legend:
        longest = max(len(str(entry.get_label())) for entry in legend)
        rows = -(-len(legend) // max(1, int(columns * width / (0.5 + 0.052 * longest))))
        figure.set_figheight(figure.get_figheight() + 0.2 + 0.14 * rows)
        figure.legend(handles=legend, loc="outside lower center", ncols=-(-len(legend) // rows))
    figure.set_layout_engine("constrained")
    plt.close(figure)  # FacetGrid draws by pyplot, which keeps a figure until it is closed
    return figure


def entry(look: Look, **style: Any) -> Line2D:
    """Return a legend entry, with the label and colour of `look`: a marker if `style` has one, else a line."""
    line = {"label": look.label, "color": look.colour, "linestyle": "" if "marker" in style else "-"}
    return Line2D([], [], **line | style)


def experiments(results: Results, every: bool = False) -> list[tuple[str, str, str, str]]:
    """Return (dataset, front_end, model, protocol) of the experiments with finished runs, in table order.

    every: also models that differ from an earlier one in their ranks alone.
    """
    known = (results.experiments if every else models.compared(results)).itertuples(index=False, name=None)
    return [experiment for experiment in known if len(results.successful(*experiment))]


def main_experiments(results: Results, every: bool = False) -> list[tuple[str, str, str, str]]:
    """Return `experiments` without the protocols that fix the share of siblings, unless there are no others."""
    found = experiments(results, every)
    return [experiment for experiment in found if experiment[3] not in SIBLINGS] or found


def accuracies(results: Results, measure: str = "", every: bool = False) -> pd.DataFrame:
    """Return a row per one of `main_experiments`: its names, n, `value`, and `low` and `high` around it.

    Accuracies are in percent; the interval is one standard deviation to each side, NaN for fewer than FEWEST runs.
    measure: `Results.shown` by default.
    """
    rows = []
    for experiment in main_experiments(results, every):
        shown = results.shown(*experiment[:2], siblings=experiment[3] in SIBLINGS)
        found = statistics.summary(results, measure or shown, *experiment)
        rows.append([*experiment, found.n, 100 * found.mean, 100 * found.std])
    data = pd.DataFrame(rows, columns=[*EXPERIMENT, "n", "value", "std"])
    reach = data.pop("std").where(data["n"] >= statistics.FEWEST)
    return data.assign(low=data["value"] - reach, high=data["value"] + reach)


def titled(results: Results, data: pd.DataFrame) -> pd.DataFrame:
    """Add `label`, the printed name of each model, and `panel`, the title of its panel.

    There is a panel per data set, front end and, if `data` has the column, protocol. Its title ends with the number of
    runs behind each mark (column `n`): n = 10, or n = 3–10 if they differ.
    """
    by = [name for name in ("dataset", "front_end", "protocol") if name in data]
    data = data.assign(label=[models.label(results, model) for model in data["model"]])
    for place, found in data.groupby(by, sort=False):
        protocols = [layouts.protocol_label(results.layout, protocol) for protocol in place[2:]]
        head = ": ".join([layouts.data_label(results.layout, *place[:2]), *protocols])
        data.loc[found.index, "panel"] = f"{head} (n\u00a0=\u00a0{extent(found['n'])})"
    return data


def extent(counts: pd.Series) -> str:
    """Return the smallest and the largest of `counts`, or just the number if all are equal."""
    known = counts.dropna().astype(int)
    return "–".join(dict.fromkeys((str(known.min()), str(known.max()))))
