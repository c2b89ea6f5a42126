"""Test accuracy, last epoch, against the share of test clips with a sibling (a clip of their source) in training. Bars:
95 % intervals over n = {n} folds. At every share, a model trains on equally many clips and sources per class and is
tested on the same clips; only the siblings are exchanged for clips of other sources. Models are drawn 0.8 points apart,
so that no interval hides another.
"""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from workflow.datasets.protocols import SIBLINGS
from workflow.reporting import splits, statistics
from workflow.reporting.drawing import panels
from workflow.reporting.drawing.figure import Canvas, Figure
from workflow.reporting.records import EXPERIMENT
from workflow.reporting.results import SAME_CLASS, Results


def table(results: Results) -> pd.DataFrame:
    """Return a row per experiment of a protocol that fixes the share: share and accuracy with its interval, percent."""
    rows = []
    for experiment in panels.experiments(results):
        dataset, front_end, _, protocol = experiment
        if protocol in SIBLINGS:
            counted = splits.rows(results, dataset, protocol)[SAME_CLASS].mean()
            share = SIBLINGS[protocol] if pd.isna(counted) else counted  # counted: rounded to whole sources
            found = statistics.summary(results, results.shown(dataset, front_end, siblings=True), *experiment)
            values = (100 * number for number in (share, found.mean, found.low, found.high))
            rows.append((*experiment, found.folds, *values))
    return pd.DataFrame(rows, columns=[*EXPERIMENT, "n", "share", "value", "low", "high"])


def draw(results: Results) -> Canvas | None:
    """Draw a panel per data set and front end, a line per model."""
    data = table(results)
    if data.empty:
        return None
    data = panels.titled(results, data.drop(columns="protocol"))
    looks = {model: panels.look(results, model) for model in data["model"].unique()}
    aside = {model: 0.8 * (place - (len(looks) - 1) / 2) for place, model in enumerate(looks)}  # no interval hides

    def panel(axes: Axes, rows: pd.DataFrame) -> None:
        for model, line in rows.sort_values("share").groupby("model", sort=False):
            reach = [line["value"] - line["low"], line["high"] - line["value"]]
            own: Any = {"color": looks[model].colour, "marker": looks[model].marker, "ls": looks[model].dashes}
            axes.errorbar(line["share"] + aside[model], line["value"], reach, markersize=4, elinewidth=0.8, **own)
        axes.set(xlim=(-6, 106), ylim=(0, 100))

    legend = [panels.entry(look, linestyle=look.dashes, marker=look.marker, markersize=4) for look in looks.values()]
    labels = ("test clips with a sibling in training (%)", "test accuracy (%)")
    return panels.draw(data, panel, legend, labels, 2.0)


EMPTY = "No run of a protocol that fixes the share of test clips with siblings (config/siblings.yaml)."
FIGURE = Figure("dose", "Accuracy against the share of siblings", 27, __doc__, draw, EMPTY)
