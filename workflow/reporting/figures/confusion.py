"""Confusion matrices on test clips, at the epoch chosen on validation (the last one where a protocol has no validation
part), summed over n = {n} runs. Each row is one true class and adds up to 100 %.
"""

import json

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from workflow.datasets.catalogue import CATALOGUE
from workflow.reporting import models
from workflow.reporting.drawing import panels
from workflow.reporting.drawing.figure import Canvas, Figure
from workflow.reporting.records import EXPERIMENT
from workflow.reporting.results import Results, cached

NAMED = 16, 2  # up to this many classes, and panels in a row, names are readable; above, classes are numbered


def counts(results: Results, *experiment: str) -> tuple[pd.DataFrame, int]:
    """Return predictions by true class (rows) and predicted class, and the number of runs that have some."""
    tables = [table for table in map(pd.read_csv, results.files("predictions.csv", *experiment)) if len(table)]
    if not tables:
        return pd.DataFrame(), 0
    both = pd.concat(tables)
    names, largest = class_names(results, experiment[0]), both[["label", "predicted"]].to_numpy().max()
    names = names if len(names) > largest else [str(label) for label in range(largest + 1)]
    classes, matrix = range(len(names)), pd.crosstab(both["label"], both["predicted"])
    matrix = matrix.reindex(index=classes, columns=classes, fill_value=0)
    return matrix.set_axis(names).set_axis(names, axis=1), len(tables)


@cached
def class_names(results: Results, dataset: str) -> list[str]:
    """Return the names of the classes by label, from the data's frames.json, else from the catalogue."""
    if file := min(results.root.rglob(f"{dataset}/frames.json"), default=None):
        return json.loads(file.read_text())["classes"]
    return sorted(CATALOGUE[dataset].classes) if dataset in CATALOGUE else []


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


FIGURE = Figure("confusion", "Confusion matrices", 80, caption, draw, "No predictions yet.")
