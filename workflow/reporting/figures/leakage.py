"""The same models under both protocols: what a random split by clips adds."""

import pandas as pd
from matplotlib.figure import Figure as Canvas

from workflow.reporting.drawing import dots, panels
from workflow.reporting.drawing.figure import Figure
from workflow.reporting.results import Results
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
    sides = []
    for name in SERIES:
        accuracy = {"value": 100 * table[f"{name}_mean"], "std": 100 * table[f"{name}_std"]}
        sides.append(table.assign(series=name, n=table[f"n_{name}"], **accuracy))
    data = panels.titled(results, pd.concat(sides, ignore_index=True))
    return dots.draw(dots.deviations(data), SERIES, columns=3)


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
