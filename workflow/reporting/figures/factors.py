"""The formats that were run with both recipes, under both protocols."""

from itertools import product

import pandas as pd
from matplotlib.figure import Figure as Canvas

from workflow.reporting import statistics
from workflow.reporting.drawing import dots, panels
from workflow.reporting.drawing.figure import Figure
from workflow.reporting.results import Results
from workflow.reporting.tables import factors

SERIES = {
    "ours": dots.Series("our recipe, matched initialisation", "#333333"),
    "authors": dots.Series("the authors' recipe and initialisation", "#CC79A7", "D", hollow=True),
}


def draw(results: Results) -> Canvas | None:
    """Draw a panel per data set, front end and protocol, a row per format."""
    rows = []
    for dataset, front_end in dict.fromkeys(place[:2] for place in results.places):
        design = factors.design(results, dataset, front_end)
        for protocol, (family, entries) in product(factors.PROTOCOLS, design.items()):
            for recipe, model in entries.items():
                found = statistics.summary(results, "test_accuracy", dataset, front_end, model, protocol)
                accuracy = {"n": found.n, "value": 100 * found.mean, "std": 100 * found.std}
                if found.n:
                    place = {"dataset": dataset, "front_end": front_end, "protocol": protocol, "model": family}
                    rows.append({**place, **accuracy, "series": recipe})
    if not rows:
        return None
    return dots.draw(dots.deviations(panels.titled(results, pd.DataFrame(rows))), SERIES, columns=2)


FIGURE = Figure(
    name="factors",
    title="Protocol, recipe, or format",
    place=30,
    caption="The same formats with both recipes under both protocols (mean ± one standard deviation over three runs or "
    "more; epoch chosen on validation). A recipe includes the initialisation; the table on the same question lists "
    "what differs.",
    empty="No format was run with both recipes.",
    draw=draw,
)
