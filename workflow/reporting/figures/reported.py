"""Reported accuracies with the reproduced ones."""

import pandas as pd
from matplotlib.figure import Figure as Canvas

from workflow.reporting.drawing import dots, panels, style
from workflow.reporting.drawing.figure import Figure
from workflow.reporting.results import Results
from workflow.reporting.statistics import FEWEST
from workflow.reporting.tables import comparison

NEAREST, STRICT = comparison.VIEWS[0], comparison.VIEWS[2]
SERIES = {
    "nearest": dots.Series("random, best test epoch", "#333333"),
    "reported": dots.Series("reported", "#D55E00", "|", size=60),
    "strict": dots.Series("group, epoch chosen on validation", "#CC79A7", "D", hollow=True),
}


def draw(results: Results) -> Canvas | None:
    """Draw a panel per data set and front end with a reported accuracy, a row per model."""
    table = comparison.build(results)
    table = table[(table["metric"] == "accuracy") & table["reported"].notna()]
    table = table[table.groupby(["dataset", "front_end", "model"])["n"].transform("max") > 0]
    rows = []
    for (dataset, front_end), known in table.groupby(["dataset", "front_end"], sort=False):
        # reported accuracies are those of the whole set
        head = ("part of " if results.partial(dataset) else "") + panels.setting(results, dataset, front_end)
        panel = panels.title(head, known.loc[known["n"] > 0, "n"].astype(int))
        for row in known.to_dict("records"):
            place = {"panel": panel, "model": style.label(results, row["model"])}
            rows.append(place | {"series": "reported", "value": 100 * row["reported"]})
            view = {NEAREST: "nearest", STRICT: "strict"}.get((row["protocol"], row["measure"]))
            if view and row["n"]:
                ends = {end: 100 * row[end] for end in ("low", "high") if row["n"] >= FEWEST}
                rows.append(place | ends | {"series": view, "value": 100 * row["reproduced"]})
    data = pd.DataFrame(rows, columns=["panel", "model", "series", "value", "low", "high"]).drop_duplicates()
    return dots.draw(data, SERIES, columns=3, xlabel="test accuracy (%)") if rows else None


FIGURE = Figure(
    name="reported",
    title="Reported and reproduced accuracy",
    place=40,
    caption="Reported and reproduced accuracies, with 95 % intervals over folds and seeds. An arrow marks an interval "
    "that extends beyond 0 or 100 %. The table on the same question lists the differences that remain between our "
    "protocols and those of the published implementations.",
    empty="No published accuracy is available for these data sets.",
    draw=draw,
)
