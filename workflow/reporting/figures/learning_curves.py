"""Accuracy over the epochs: the mean of the runs and a band of one standard deviation."""

import math
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from workflow.experiments import curves
from workflow.reporting.drawing import panels, style
from workflow.reporting.drawing.figure import Figure
from workflow.reporting.records import EXPERIMENT
from workflow.reporting.results import Results
from workflow.reporting.statistics import FEWEST

PARTS = {"test_accuracy": "test", "train_accuracy": "train"}


def table(results: Results) -> pd.DataFrame:
    """Return a row per run, epoch and part, up to the last epoch that all runs of an experiment reached."""
    found = []
    for experiment in panels.experiments(results):
        records = results.successful(*experiment)["record"]
        runs = [curves.read((results.root / record).with_name("metrics.jsonl")) for record in records]
        runs = [epochs for epochs in runs if len(epochs) > 1]
        length = min((len(epochs) for epochs in runs), default=0)
        for epochs in runs:
            for name, part in PARTS.items():
                lines = {"epoch": [entry["epoch"] for entry in epochs[:length]], "part": part, "n": len(runs)}
                lines["accuracy"] = 100 * np.array(curves.column(epochs[:length], name))
                found.append(pd.DataFrame(lines).assign(**dict(zip(EXPERIMENT, experiment, strict=True))))
    return panels.titled(results, pd.concat(found, ignore_index=True)) if found else pd.DataFrame()


def draw(results: Results) -> Canvas | None:
    """Draw a panel per data set, front end and protocol."""
    data = table(results)
    if data.empty:
        return None
    models = [model for model in results.experiments["model"].drop_duplicates() if model in set(data["model"])]
    facets = panels.grid(data, 4 if data["panel"].nunique() > 3 else 2, 2.3)
    facets.map_dataframe(_panel, results=results, models=models)
    facets.set(xscale="log", xlim=(1, data["epoch"].max()), ylim=(0, 101))
    for axes in facets.axes.flat:
        axes.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_locator(NullLocator())
    facets.set_axis_labels("epoch (log scale)", "accuracy (%)")
    handles = [panels.key(results, model, line=True) for model in models]
    handles.append(Line2D([], [], color=panels.DARK, ls="-", label="test"))
    handles.append(Line2D([], [], color=panels.DARK, ls=":", lw=0.8, label="train"))
    return panels.finish(facets, handles)


def _panel(data: pd.DataFrame, results: Results, models: list[str], **_) -> None:
    look: dict[str, Any] = {"x": "epoch", "y": "accuracy", "hue": "label", "legend": False, "ax": plt.gca()}
    look["palette"] = style.palette(results, models)
    sns.lineplot(data[data["part"] == "train"], errorbar=None, linestyle=":", linewidth=0.7, **look)
    for model in models:
        rows = data[(data["part"] == "test") & (data["model"] == model)]
        sns.lineplot(rows, errorbar=spread, err_kws={"alpha": 0.12}, ls=style.dashes(results, model), **look)


def spread(values: pd.Series) -> tuple[float, float]:
    """Return mean ± one standard deviation; NaN for fewer than FEWEST runs."""
    if len(values) < FEWEST:
        return math.nan, math.nan
    return values.mean() - values.std(), values.mean() + values.std()


FIGURE = Figure(
    name="learning_curves",
    title="Learning curves",
    place=60,
    caption="Learning curves (logarithmic epochs): mean over the runs, with a band of one standard deviation for the "
    "test accuracy of three runs or more. A curve ends at the last epoch that all runs of its model reached.",
    empty="No learning curves yet.",
    draw=draw,
)
