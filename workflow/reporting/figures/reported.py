"""Reported and reproduced accuracies, with 95 % intervals over n folds. The table on the same question lists the
differences that remain between our protocols and those of the published implementations.
"""

import pandas as pd

from workflow.reporting.drawing import dots, panels
from workflow.reporting.drawing.figure import Canvas, Figure
from workflow.reporting.results import Results
from workflow.reporting.tables import comparison

SERIES = {
    ("random", "final_epoch_accuracy"): panels.Look("random, last epoch", "#0072B2", "s"),
    ("random", "best_epoch_accuracy"): panels.Look("random, best test epoch", "#333333"),
    "reported": panels.Look("reported", "#D55E00", "|", size=60),
    comparison.STRICT: panels.Look("group, epoch chosen on validation", "#CC79A7", "D", hollow=True),
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
    theirs = table.assign(series="reported", value=100 * table["reported"], n=None, low=None, high=None)
    theirs = theirs.drop_duplicates(["dataset", "front_end", "model", "value"])
    data = panels.titled(results, pd.concat([ours, theirs], ignore_index=True).drop(columns="protocol"))
    partial = data["dataset"].map(results.partial)  # reported accuracies are those of the whole set
    data["panel"] = data["panel"].where(~partial, "part of " + data["panel"])
    return dots.draw(data, SERIES, columns=3)


FIGURE = Figure(
    "reported", "Reported and reproduced accuracy", 40, __doc__, draw, "No accuracy is reported for these data sets."
)
