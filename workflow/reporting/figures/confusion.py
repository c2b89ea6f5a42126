"""Confusion matrices of the models that the layout names, summed over runs and normalised by true class."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure as Canvas

from workflow.reporting import layout as layouts
from workflow.reporting import models
from workflow.reporting.drawing import panels, style
from workflow.reporting.drawing.figure import Figure
from workflow.reporting.predictions import confusion
from workflow.reporting.results import Results

NAMED = 16, 4  # up to so many classes and panels, class names are readable; above, classes are numbered


def draw(results: Results) -> Canvas | None:
    """Draw a panel per model, data set, front end and protocol."""
    matrices, names = {}, {}
    for experiment in panels.experiments(results):
        dataset, front_end, model, protocol = experiment
        if models.get(results, model).family in results.layout["confusion"]:
            matrix, classes, runs = confusion(results, *experiment)
            if runs:
                head = f"{layouts.data_label(results.layout, dataset, front_end)}: {protocol}"
                panel = f"{head}\n{style.label(results, model)}, {runs}\u00a0runs, {matrix.sum()}\u00a0predictions"
                matrices[panel], names[panel] = matrix, [name.replace("_", " ") for name in classes]
    if not matrices:
        return None
    if len(matrices) > NAMED[1] or max(map(len, names.values())) > NAMED[0]:
        names = {panel: [str(number) for number in range(len(classes))] for panel, classes in names.items()}
    columns = 3 if len(matrices) > NAMED[1] else 2
    facets = panels.grid(pd.DataFrame({"panel": list(matrices)}), columns, 3.0, sharex=False, sharey=False)
    facets.map_dataframe(_panel, matrices=matrices, names=names)
    facets.set_axis_labels("predicted class", "true class")
    canvas = panels.finish(facets, [])
    shades = facets.axes.flat[0].collections[0]
    bar = canvas.colorbar(shades, ax=list(facets.axes.flat), location="bottom", shrink=0.35, aspect=30, pad=0.03)
    bar.set_label("share of the true class's clips (%)")
    return canvas


def _panel(data: pd.DataFrame, matrices: dict[str, np.ndarray], names: dict[str, list[str]], **_) -> None:
    panel = data["panel"].iloc[0]
    matrix, classes = matrices[panel], names[panel]
    totals = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(100.0 * matrix, totals, out=np.zeros(matrix.shape), where=totals > 0)
    numbered = classes[0] == "0"
    labels = [name if index % 10 == 0 else "" for index, name in enumerate(classes)] if numbered else classes
    axes = sns.heatmap(
        shares, cmap="Blues", vmin=0, vmax=100, square=True, cbar=False, rasterized=True,
        xticklabels=labels, yticklabels=labels, ax=plt.gca(),
    )  # fmt: skip
    axes.tick_params(axis="both", length=0)
    plt.setp(axes.get_yticklabels(), rotation=0)
    if not numbered:
        plt.setp(axes.get_xticklabels(), rotation=60, ha="right", rotation_mode="anchor")


FIGURE = Figure(
    name="confusion",
    title="Confusion matrices",
    place=80,
    caption="Confusion matrices on test clips, at the epoch chosen on validation and summed over the runs. Each row is "
    "one true class and adds up to 100 %.",
    empty="No predictions yet.",
    draw=draw,
)
