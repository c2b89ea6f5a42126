"""Accuracy of the test clips with and without a sibling (a clip of their source) in training, within the same runs:
same weights, same training clips (epoch chosen on validation, the last one where a protocol has no validation part).
Bars: 95 % intervals over n = {n} folds.
"""

import pandas as pd

from workflow.reporting.drawing import dots, panels
from workflow.reporting.drawing.figure import Canvas, Figure
from workflow.reporting.records import EXPERIMENT
from workflow.reporting.results import Results
from workflow.reporting.statistics import of_runs
from workflow.reporting.tables import siblings

SERIES = {
    "with": panels.Look("with a sibling in training", "#CC6677", "s", hollow=True),
    "without": panels.Look("without", "#4477AA", "^"),
}


def draw(results: Results) -> Canvas | None:
    """Draw a panel per data set, front end and protocol, a row per model."""
    rows = []
    both = set(siblings.build(results)[EXPERIMENT].itertuples(index=False, name=None))
    for experiment in (one for one in panels.main_experiments(results) if one in both):
        for name in SERIES:
            accuracies = siblings.runs(results)[experiment][f"accuracy_{name}"]
            found = of_runs(results, accuracies, experiment[0], experiment[3])
            rows.append((*experiment, name, found.folds, found.mean, found.low, found.high))
    data = pd.DataFrame(rows, columns=[*EXPERIMENT, "series", "n", "value", "low", "high"]).dropna(subset="value")
    data[["value", "low", "high"]] *= 100
    return None if data.empty else dots.draw(panels.titled(results, data), SERIES, tallest=panels.WHOLE)


EMPTY = "No fold of protocol random or group has predictions of clips with and without a sibling in training."
FIGURE = Figure("siblings", "Accuracy by siblings in training", 25, __doc__, draw, EMPTY)
