"""Reported and reproduced accuracies. Bars: 95 % intervals over n = {n} folds; a reported accuracy has none."""

import numpy as np
import pandas as pd

from workflow.reporting.drawing import dots, panels
from workflow.reporting.drawing.figure import Canvas, Figure
from workflow.reporting.results import Results
from workflow.reporting.tables import comparison

SERIES = {
    ("random", "final_epoch_accuracy"): panels.Look("random, last epoch", "#332288", "s"),
    ("random", "best_epoch_accuracy"): panels.Look("random, best test epoch", "#44AA99", "^"),
    "reported": panels.Look("reported", "#D55E00", "|", size=60),
    comparison.STRICT: panels.PROTOCOLS["group"]._replace(label="group, epoch chosen on validation"),
}


def draw(results: Results) -> Canvas | None:
    """Draw a panel per data set and front end with a reported accuracy, a row per model."""
    table = comparison.build(results)
    table = table[(table["metric"] == "accuracy") & table["reported"].notna() & (table["n"] > 0)]
    if table.empty:
        return None
    ours = table.assign(series=list(zip(table["protocol"], table["measure"], strict=True)))
    ours = ours[ours["series"].isin(list(SERIES))]
    ends = {end: 100 * ours[end].astype(float) for end in ("low", "high")}
    ours = ours.assign(value=100 * ours["reproduced"].astype(float), n=ours["folds"], **ends)
    theirs = table.assign(series="reported", value=100 * table["reported"], n=np.nan, low=np.nan, high=np.nan)
    theirs = theirs.drop_duplicates(["dataset", "front_end", "model", "value"])
    data = panels.titled(results, pd.concat([ours, theirs], ignore_index=True).drop(columns="protocol"))
    return dots.draw(data, SERIES)


FIGURE = Figure(
    "reported", "Reported and reproduced accuracy", 40, __doc__, draw, "No accuracy is reported for these data sets."
)
