"""Confusion matrices on test clips, at the epoch chosen on validation (the last one where a protocol has no validation
part), summed over n = {n} runs. Each row is one true class and adds up to 100 %, or to 0 if
it has no test clips.
"""

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from workflow.reporting import models
from workflow.reporting.drawing import panels
from workflow.reporting.drawing.figure import Canvas, Figure
from workflow.reporting.records import EXPERIMENT
from workflow.reporting.results import Results, cached
from workflow.storage.files import known_json

NAMED = 16, 2  # up to this many classes, and panels in a row, names are readable; above, classes are numbered


def counts(results: Results, *experiment: str) -> tuple[pd.DataFrame, int]:
    """Return test clips by true class (rows) and predicted class, and the number of runs that have some."""
    found = [known_json(file) for file in results.files("result.json", *experiment)]
    tables = [pd.DataFrame(one["confusion"], one["classes"], one["classes"]) for one in found if one.get("confusion")]
    return pd.concat(tables).groupby(level=0, sort=False).sum() if tables else pd.DataFrame(), len(tables)


@cached
def table(results: Results) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Return a row per panel, a model's on a data set, front end and protocol, and the matrix of each."""
    found, matrices = [], []
    for experiment in panels.main_experiments(results):
        if models.get(results, experiment[2]).family in results.layout["confusion"]:
            matrix, runs = counts(results, *experiment)
            if runs:
                found.append((*experiment, runs))
                matrices.append(matrix)
    if not found:
        return pd.DataFrame(), []
    data = panels.titled(results, pd.DataFrame(found, columns=[*EXPERIMENT, "n"]))
    return data.assign(column=data["column"] + "\n" + data["label"]), matrices


def is_numbered(data: pd.DataFrame, matrices: list[pd.DataFrame]) -> bool:
    """Return whether the panels have no room for the names of the classes."""
    return data["column"].nunique() > NAMED[1] or max(map(len, matrices)) > NAMED[0]


def caption(results: Results) -> str:
    """Return the caption, with the names of numbered classes."""
    data, matrices = table(results)
    datasets, text = data["dataset"].drop_duplicates(), str(__doc__)
    for place, dataset in datasets.items() if is_numbered(data, matrices) else ():
        names = [f"{number} {name.replace('_', ' ')}" for number, name in enumerate(matrices[place])]
        listed = ", ".join(names) if len(names) <= NAMED[0] else f"{len(names)}, in alphabetical order"
        of = f" of {results.label('dataset', dataset)}" if len(datasets) > 1 else ""
        text += f" Classes{of}: {listed}."
    return text


def draw(results: Results) -> Canvas | None:
    """Draw a panel per model, data set, front end and protocol."""
    data, matrices = table(results)
    if data.empty:
        return None
    across, numbered = data["column"].nunique(), is_numbered(data, matrices)

    def panel(axes: Axes, rows: pd.DataFrame) -> None:
        matrix = matrices[rows.index.item()]
        shares = 100 * matrix.div(matrix.sum(axis=1), axis=0).fillna(0)
        every = 10 if len(matrix) > NAMED[0] else 2  # number
        labels = every if numbered else [name.replace("_", " ") for name in matrix]
        look = {"cmap": "Blues", "vmin": 0, "vmax": 100, "square": True, "cbar": False, "rasterized": True}
        sns.heatmap(shares.to_numpy(), xticklabels=labels, yticklabels=labels, ax=axes, **look)
        axes.tick_params(axis="both", length=0)
        plt.setp(axes.get_yticklabels(), rotation=0)
        if not numbered:
            plt.setp(axes.get_xticklabels(), rotation=60, ha="right", rotation_mode="anchor")

    height = panels.PAGE / min(max(across, 2), panels.ACROSS)
    labels = ("predicted class", "true class")
    canvas = panels.draw(data, panel, [], labels, height, sharex=False, sharey=False)
    bar = canvas.colorbar(canvas.axes[0].collections[0], ax=canvas.axes, location="top", shrink=0.4, aspect=30)
    bar.set_label("share of the true class's clips (%)")
    return canvas


FIGURE = Figure(
    "confusion", "Confusion matrices", 80, caption, draw, "No predictions of a family in the layout's `confusion`."
)
