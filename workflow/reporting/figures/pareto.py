"""Test accuracy against weights from rank to rank: a line per format and shape, a mark per rank (mean over n = {n}
runs; epoch chosen on validation, the last one where a protocol has no validation part), for all weights and for W
alone. In FDHT-LSTM, W holds U; formats that decompose W alone keep a dense U. The grey steps (Pareto front) join the
models that are more accurate than all smaller ones. It is the front of the means, not a test{spread}. The accuracy axis
may start above 0.
"""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, LogLocator

from workflow.reporting import models
from workflow.reporting.drawing import panels
from workflow.reporting.drawing.figure import Canvas, Figure
from workflow.reporting.numbers import extent
from workflow.reporting.records import PLACE
from workflow.reporting.results import Results

QUANTITIES = {"weights": "W + U", "W": "W alone"}
FEWEST_RANKS = 3  # sizes of a shape that make a line


def shape(results: Results, *place: str) -> str:
    """Return the printed name of a model's format and shape, without its ranks; "" for a format without ranks."""
    arguments = models.recurrent(results, *place)
    if not any(key in arguments for key in models.RANKS):
        return ""
    modes = "×".join(map(str, arguments.get("input_modes") or ()))
    return ", ".join(filter(None, (models.label(results, models.get(results, place[2]).family), modes)))


def table(results: Results) -> pd.DataFrame:
    """Return a row per panel and experiment: shape, number of weights, accuracy in percent, whether on the front.

    Of experiments of one shape and number of weights, it is the first.
    """
    data = panels.titled(results, panels.accuracies(results, every=True))
    places = list(data[PLACE].itertuples(index=False, name=None))
    data = data.assign(shape=[shape(results, *place) for place in places])
    for name in QUANTITIES:
        data[name] = [models.counts(results, *place).get(name) for place in places]
    data = data.drop_duplicates(["column", "row", "shape", "weights"])
    sizes = data.groupby(["column", "row", "shape"])["weights"].transform("nunique")
    data, parts = data[(data["shape"] != "") & (sizes >= FEWEST_RANKS)], []
    for (title, _), rows in data.groupby(["column", "row"], sort=False):
        for name, text in QUANTITIES.items():
            part = rows.assign(column=f"{title}\n{text}", quantity=name, number=rows[name])
            part = part.sort_values(["number", "value"], ascending=[True, False])
            parts.append(part.assign(front=part["value"] > part["value"].cummax().shift(fill_value=-1)))
    return pd.concat([data.assign(quantity="", number=0, front=False)[:0], *parts])


def caption(results: Results) -> str:
    """Return the caption, with the standard deviations over the runs."""
    data = table(results)
    data = data.assign(std=np.maximum(data["high"] - data["value"], data["value"] - data["low"])).dropna(subset="std")
    found = data.groupby("protocol", sort=False)["std"]  # the longer side, as one may be cut at 0 or 100
    under = [f"{extent(own, 1)} points under {results.label('protocol', name)}" for name, own in found]
    spread = f": standard deviations over the runs are {' and '.join(under)}" if under else ""
    return str(__doc__).replace("{spread}", spread)


def draw(results: Results) -> Canvas | None:
    """Draw a panel per data set, front end, protocol and quantity."""
    data = table(results)
    if data.empty:
        return None
    order = list(results.experiments["model"].unique())
    shapes = data.sort_values("model", key=lambda names: names.map(order.index)).drop_duplicates("shape")
    families = [models.get(results, model).family for model in shapes["model"]]
    looks = {  # the second shape of a family is dashed
        name: panels.look(results, family)._replace(label=name, dashes="--" if family in families[:place] else "-")
        for place, (name, family) in enumerate(zip(shapes["shape"], families, strict=True))
    }
    lowest = 10 * (data["value"].min() // 10)  # a whole ten

    def panel(axes: Axes, rows: pd.DataFrame) -> None:
        front = rows[rows["front"]]
        axes.step(front["number"], front["value"], where="post", color="#bbbbbb", lw=2.5, zorder=1)
        for name, line in rows.groupby("shape"):
            own = {"color": looks[name].colour, "marker": looks[name].marker, "ls": looks[name].dashes}
            sns.lineplot(line, x="number", y="value", errorbar=None, markersize=4, markeredgewidth=0, ax=axes, **own)
        axes.set(xscale="log", ylim=(lowest, 101))
        axes.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))  # 20k
        axes.minorticks_off()

    legend = [panels.entry(look, linestyle=look.dashes, marker=look.marker, markersize=4) for look in looks.values()]
    return panels.draw(data, panel, legend, ("weights (log scale)", "test accuracy (%)"), 1.6, sharex="col")


EMPTY = f"No shape was trained at {FEWEST_RANKS} ranks or more."
FIGURE = Figure("pareto", "Accuracy from rank to rank", 12, caption, draw, EMPTY)
