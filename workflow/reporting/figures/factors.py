"""The formats that were run with both recipes, under both protocols."""

import math

import pandas as pd
from matplotlib.figure import Figure as Canvas

from workflow.reporting.drawing import dots, panels, style
from workflow.reporting.drawing.figure import Figure
from workflow.reporting.results import Results
from workflow.reporting.statistics import FEWEST
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
        for protocol in factors.PROTOCOLS if design else ():
            found = []
            for family, entries in design.items():
                for recipe, model in entries.items():
                    runs = 100 * results.successful(dataset, front_end, model, protocol)["test_accuracy"].dropna()
                    if len(runs):
                        reach = runs.std() if len(runs) >= FEWEST else math.nan
                        place = {"model": style.label(results, family), "series": recipe, "n": len(runs)}
                        mean = runs.mean()
                        found.append(place | {"value": mean, "low": mean - reach, "high": mean + reach})
            head = f"{panels.setting(results, dataset, front_end)}: {protocol}"
            panel = panels.title(head, [row["n"] for row in found])
            rows += [row | {"panel": panel} for row in found]
    return dots.draw(pd.DataFrame(rows), SERIES, columns=2, xlabel="test accuracy (%)") if rows else None


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
