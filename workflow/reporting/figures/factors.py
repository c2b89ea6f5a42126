"""The same formats with both recipes under both protocols: mean over n = {n} runs (epoch chosen on validation, the last
one where a protocol has no validation part). Bars: one standard deviation, for three or more runs, cut at 0 and 100. A
recipe includes the initialisation; the table of factors lists the differences.
"""

import pandas as pd

from workflow.reporting.drawing import dots, panels
from workflow.reporting.drawing.figure import Canvas, Figure
from workflow.reporting.records import EXPERIMENT
from workflow.reporting.results import Results
from workflow.reporting.tables import factors

SERIES = {
    "ours": panels.Look("our recipe, matched initialisation", "#661100", "s"),
    "authors": panels.Look("authors' recipe", "#999933", "^", hollow=True),
}


def draw(results: Results) -> Canvas | None:
    """Draw a panel per data set, front end and protocol, a row per format."""
    entries = [
        (dataset, front_end, model, family, recipe)
        for dataset, front_end in dict.fromkeys(place[:2] for place in results.places)
        for family, recipes in factors.design(results, dataset, front_end).items()
        for recipe, model in recipes.items()
    ]
    compared = pd.DataFrame(entries, columns=[*EXPERIMENT[:3], "family", "series"])
    data = compared.merge(panels.accuracies(results), on=EXPERIMENT[:3])
    if data.empty:
        return None
    printed = results.layout["recipes"]
    series = {recipe: look._replace(label=printed.get(recipe, look.label)) for recipe, look in SERIES.items()}
    return dots.draw(panels.titled(results, data.assign(model=data["family"])), series)


FIGURE = Figure("factors", "Protocol, recipe, or format", 30, __doc__, draw, "No format was run with both recipes.")
