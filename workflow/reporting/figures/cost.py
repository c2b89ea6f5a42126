"""Cost of training: median time of a run and of a training step, and the largest peak memory, over n = {n} runs (all
protocols, folds and seeds). Times are longer on a busy machine. An axis that spans more than a factor of ten is
logarithmic. Values that are zero or were not measured have no mark.
"""

from itertools import cycle

from matplotlib.ticker import LogLocator

from workflow.reporting import models
from workflow.reporting.drawing import dots, panels
from workflow.reporting.drawing.figure import Canvas, Figure
from workflow.reporting.records import PLACE
from workflow.reporting.results import Results
from workflow.reporting.tables import cost

QUANTITIES = {
    "train_seconds_median": "training per run (s)",
    "step_ms": "training step (ms)",
    "peak_memory_mb": "peak memory (MiB)",
}
MARKERS = ("s", "v", "h", "p")  # in grey, the first two colours look alike
COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#D55E00")
WIDE = 10.0  # an axis that spans more than this factor is logarithmic


def draw(results: Results) -> Canvas | None:
    """Draw a panel per quantity, a row per model; a series per data set, front end and device."""
    table = cost.build(results).merge(models.compared(results)[PLACE].drop_duplicates())
    table = table.assign(
        label=[models.label(results, model) for model in table["model"]],
        series=list(zip(table["dataset"], table["front_end"], table["device"], strict=True)),
    )
    series = {}
    for place, marker, colour in zip(table["series"].unique(), cycle(MARKERS), cycle(COLOURS), strict=False):
        series[place] = panels.Look(f"{results.data_label(*place[:2])}, on {place[2]}", colour, marker, size=16)
    data = table.rename(columns=QUANTITIES).melt(["label", "series", "n"], QUANTITIES.values(), "column")
    data = data[data["value"] > 0].assign(low=float("nan"), high=float("nan"))
    tallest = max(panels.HALF, dots.ROW * data["label"].nunique() + 1.3)
    canvas = dots.draw(data.assign(row=""), series, "", tallest)
    for axes, (_, values) in zip(canvas.axes, data.groupby("column", sort=False)["value"], strict=True):
        if values.max() > WIDE * values.min():
            axes.set(xscale="log", xlabel="logarithmic scale", xlim=(values.min() / 1.6, values.max() * 1.6))
            axes.xaxis.set_major_locator(LogLocator(10, numticks=4))
            axes.xaxis.set_major_formatter("{x:g}")
            axes.xaxis.set_minor_formatter("")
        else:
            axes.set_xlim(0, 1.1 * values.max())
    return canvas


FIGURE = Figure("cost", "Cost of training", 70, __doc__, draw)
