"""Integrate-then-decompose against other ways to decompose W and U: accuracy of FDHT-LSTM minus that of an alternative
(epoch chosen on validation, the last one where a protocol has no validation part), paired by fold. Bars: 95 % intervals
over n = {n} folds. Right of 0, FDHT-LSTM is more accurate. In brackets: weights, W + U. Alternatives with many more
weights decompose W alone and keep a dense U, so they do not compare the decompositions at equal size.
"""

from workflow.reporting import models
from workflow.reporting.drawing import dots, panels
from workflow.reporting.drawing.figure import Canvas, Figure
from workflow.reporting.numbers import extent, number
from workflow.reporting.results import Results
from workflow.reporting.tables import ablation


def draw(results: Results) -> Canvas | None:
    """Draw a panel per data set, front end and FDHT-LSTM, a row per alternative, a series per protocol."""
    table = ablation.build(results)
    shown = [results.shown(*data) for data in table[["dataset", "front_end"]].itertuples(index=False, name=None)]
    table = table[(table["measure"] == shown) & table["protocol"].isin(list(panels.PROTOCOLS))]
    if table.empty:
        return None
    data = panels.titled(results, table.rename(columns={"protocol": "series", "folds": "n"}))
    data["column"] += "\n" + data["label"] + " (" + data["weights"].map(number) + " weights) minus"
    sizes = data.groupby("against")["weights_against"].agg(extent, 0)
    data["label"] = [f"{models.label(results, name)} ({sizes[name]})" for name in data["against"]]
    data = data.assign(value=100 * data["difference"], low=100 * data["low"], high=100 * data["high"])
    canvas = dots.draw(data, panels.PROTOCOLS, "difference in test accuracy (points)")
    for axes in canvas.axes:
        axes.axvline(0, color="#999999", lw=0.8, zorder=0.5)
    return canvas


FIGURE = Figure("ablation", "Integrate-then-decompose", 35, __doc__, draw, ablation.EMPTY)
