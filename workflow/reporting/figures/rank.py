"""Weights and multiply-adds of one time step against the rank, with all ranks of a model equal, at the modes of the
configuration (logarithmic vertical axes). In FDHT-LSTM, W holds U; formats that decompose W alone keep a dense U.
Curves end at the largest rank that the modes allow. Every fourth rank has a mark, at different ranks for each format,
so that overlapping curves can be distinguished. GRUs, whose curves are nearly those of the LSTMs, are left out.
"""

from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

import baselines
from workflow.reporting import models
from workflow.reporting.drawing import panels
from workflow.reporting.drawing.figure import Canvas, Figure
from workflow.reporting.records import PLACE
from workflow.reporting.results import Results

RANKS = range(1, 17)
EVERY = 4  # ranks between two marks of a curve
QUANTITIES = {"W": "weights W", "weights": "weights W + U", "multiply_adds": "multiply-adds per step"}


def table(results: Results) -> pd.DataFrame:
    """Return a row per panel, model and rank (0: the format has none), at the shapes of a front end's first data set.

    The first model of a family stands for its variants. Front ends without a format that has ranks are left out, and
    GRUs.
    """
    places = pd.DataFrame(results.places, columns=PLACE, dtype=str)
    places = places[places["dataset"] == places.groupby("front_end")["dataset"].transform("first")]
    places = places.assign(family=[models.get(results, model).family for model in places["model"]])
    rows = []
    for *data, model in places.drop_duplicates(["front_end", "family"])[PLACE].itertuples(index=False, name=None):
        if models.kind(results, model) != "gru" and models.declaration(results, *data, model):
            head = results.data_label(*data)
            for rank, counts in sweep(models.recurrent(results, *data, model)).items():
                rows += [(head, text, model, rank, counts[name]) for name, text in QUANTITIES.items()]
    data = pd.DataFrame(rows, columns=["row", "column", "model", "rank", "number"])
    return data[data.groupby("row")["rank"].transform("max") > 0]


def sweep(arguments: dict[str, Any]) -> dict[int, dict[str, int]]:
    """Return rank -> counts of a layer, up to the largest rank that its modes allow; under 0 if it has no ranks."""
    bare = {key: value for key, value in arguments.items() if key not in models.RANKS}
    name, found = "rank" if "rank" in arguments else "ranks", {}
    for rank in RANKS if len(bare) < len(arguments) else [0]:
        try:
            layer: Any = baselines.declare(**(bare | {name: rank} if rank else bare))
        except ValueError:  # above what the modes allow
            break
        found[rank] = {"W": layer.parameters()["W"], **layer.complexity()}
    return found


def draw(results: Results) -> Canvas | None:
    """Draw a row of panels per front end."""
    data = table(results)
    if data.empty:
        return None
    names = sorted(data["model"].unique(), key=lambda model: models.kind(results, model) == "fdht")  # drawn last
    looks = {model: panels.look(results, models.get(results, model).family) for model in names}

    def panel(axes: Axes, rows: pd.DataFrame) -> None:
        for place, (model, look) in enumerate(looks.items()):
            curve = rows[rows["model"] == model]
            if curve.empty:
                continue
            if (curve["rank"] == 0).all():
                axes.axhline(curve["number"].item(), color=look.colour, lw=1)
            else:
                own = {"color": look.colour, "marker": look.marker, "markersize": 4.5, "markeredgewidth": 0}
                sns.lineplot(
                    curve, x="rank", y="number", errorbar=None, ax=axes, markevery=(place % EVERY, EVERY), **own
                )
        axes.set(yscale="log", xlim=(0.5, RANKS[-1] + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.minorticks_off()

    ranked = set(data.loc[data["rank"] > 0, "model"])
    marks = {model: look.marker if model in ranked else "" for model, look in looks.items()}
    legend = [panels.entry(look, linestyle="-", marker=marks[model]) for model, look in looks.items()]
    labels = ("rank (all ranks equal)", "number (log scale)")
    return panels.draw(data, panel, legend, labels, 1.6, sharey=False)


FIGURE = Figure(
    "rank", "Size and work against rank", 50, __doc__, draw, "No model has a format with a rank.", needs="configuration"
)
