"""The same models under both protocols: what a random split by clips adds."""

import math

import pandas as pd
from matplotlib.figure import Figure as Canvas

from workflow.reporting.drawing import dots, panels, style
from workflow.reporting.drawing.figure import Figure
from workflow.reporting.results import Results
from workflow.reporting.statistics import FEWEST
from workflow.reporting.tables import leakage

SERIES = {
    "group": dots.Series("group: split by source", "#333333"),
    "random": dots.Series("random: split clip by clip", "#CC79A7", "D", hollow=True),
}


def draw(results: Results) -> Canvas | None:
    """Draw a panel per data set and front end, a row per model that has runs under both protocols."""
    table = leakage.build(results)
    table = table[(table["measure"] == "test_accuracy") & (table["n_group"] > 0) & (table["n_random"] > 0)]
    if table.empty:
        return None
    rows = []
    for (dataset, front_end), models in table.groupby(["dataset", "front_end"], sort=False):
        counts = [*models["n_group"], *models["n_random"]]
        panel = panels.title(panels.setting(results, dataset, front_end), counts)
        for row in models.to_dict("records"):
            for protocol in SERIES:
                mean, std = 100 * row[f"{protocol}_mean"], 100 * row[f"{protocol}_std"]
                reach = std if row[f"n_{protocol}"] >= FEWEST else math.nan
                place = {"panel": panel, "model": style.label(results, row["model"]), "series": protocol}
                rows.append(place | {"value": mean, "low": mean - reach, "high": mean + reach})
    return dots.draw(pd.DataFrame(rows), SERIES, columns=3, xlabel="test accuracy (%)")


FIGURE = Figure(
    name="leakage",
    title="What the random protocol adds",
    place=20,
    caption="The same models, trained and tested under the two protocols (mean ± one standard deviation over three "
    "runs or more; epoch chosen on validation). The distance between the marks is what clips of one "
    "source in training and test are worth, provided the training sets are equally large; the table on the same "
    "question gives their sizes.",
    empty="No model has runs under both protocols yet.",
    draw=draw,
)
