"""Small multiples: a grid of panels with shared axes, one legend below, and titles that fit their panel."""

import textwrap

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from workflow.reporting import layout as layouts
from workflow.reporting.drawing import style
from workflow.reporting.results import Results

mpl.use("agg")  # never open a window
COLUMN, PAGE, TALLEST = 3.4, 7.0, 8.0  # inches: width of a column and of a page, and height of all panels
CHARACTER = 0.08  # inches, mean width of a character of a title
DARK = "#333333"  # of whatever belongs to no model


def grid(data: pd.DataFrame, columns: int, height: float, **options) -> sns.FacetGrid:
    """Return a panel per value of the column `panel`, in order of appearance, `columns` of them in a row.

    `height` is that of one panel in inches, less where all of them would not fit on a page. Options are FacetGrid's.
    """
    names = list(dict.fromkeys(data["panel"]))
    columns = min(columns, len(names))
    height = min(height, TALLEST / -(-len(names) // columns))
    width = (COLUMN if columns == 1 else PAGE) / columns
    size = {"height": height, "aspect": width / height}
    return sns.FacetGrid(data, col="panel", col_order=names, col_wrap=columns, **size, **options)


def finish(facets: sns.FacetGrid, handles: list[Line2D]) -> Figure:
    """Set titles, hide the tick labels of shared axes inside the grid, add the legend, and return the figure."""
    figure, axes = facets.figure, list(facets.axes.flat)
    columns = axes[0].get_subplotspec().get_gridspec().ncols
    characters = int(figure.get_figwidth() / columns / CHARACTER)
    for index, (name, panel) in enumerate(facets.axes_dict.items()):
        panel.set_title("\n".join(textwrap.fill(line, characters) for line in name.split("\n")))
        if index + columns < len(axes) and panel.get_shared_x_axes().joined(panel, axes[index + columns]):
            panel.tick_params(labelbottom=False)
    if handles:
        longest = max(len(str(handle.get_label())) for handle in handles)
        fitting = max(1, int(figure.get_figwidth() / (0.5 + 0.052 * longest)))
        rows = -(-len(handles) // fitting)
        figure.set_figheight(figure.get_figheight() + 0.2 + 0.14 * rows)
        figure.legend(handles=handles, loc="outside lower center", ncols=-(-len(handles) // rows))
    figure.set_layout_engine("constrained")
    plt.close(figure)  # FacetGrid draws by pyplot, which keeps a figure until it is closed
    return figure


def key(results: Results, model: str, line: bool = False) -> Line2D:
    """Return the entry of a model in a legend: its line, or its marker."""
    found = Line2D([], [], color=style.colour(results, model), label=style.label(results, model))
    found.set_linestyle(style.dashes(results, model) if line else "")
    found.set_marker("" if line else style.marker(results, model))
    return found


def experiments(results: Results) -> list[tuple[str, str, str, str]]:
    """Return (dataset, front_end, model, protocol) of the experiments with finished runs, in the order of tables."""
    known = results.experiments.itertuples(index=False, name=None)
    return [experiment for experiment in known if len(results.successful(*experiment))]


def titled(results: Results, data: pd.DataFrame) -> pd.DataFrame:
    """Add `label`, the printed name of each model, and `panel`, the title of its panel.

    There is a panel per data set, front end and, if `data` has the column, protocol. Its title ends with the number of
    runs behind each mark (column `n`): n = 10, or n = 3–10 if they differ.
    """
    by = [name for name in ("dataset", "front_end", "protocol") if name in data]
    data = data.assign(label=[style.label(results, model) for model in data["model"]])
    for place, found in data.groupby(by, sort=False):
        head = ": ".join([layouts.data_label(results.layout, *place[:2]), *place[2:]])
        data.loc[found.index, "panel"] = f"{head} (n\u00a0=\u00a0{extent(found['n'])})"
    return data


def extent(counts: pd.Series) -> str:
    """Return the smallest and the largest of `counts`, or the one number that all are."""
    known = counts.dropna().astype(int)
    return "–".join(dict.fromkeys((str(known.min()), str(known.max()))))
