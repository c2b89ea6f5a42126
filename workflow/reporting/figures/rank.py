"""Weights and multiply-adds against rank, from the declarations of the formats alone."""

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator, NullLocator

import baselines
from workflow.reporting import layout as layouts
from workflow.reporting import models
from workflow.reporting.drawing import panels, style
from workflow.reporting.drawing.figure import Figure
from workflow.reporting.results import Results

RANKS = range(1, 17)
QUANTITIES = {"W": "weights W", "weights": "weights W + U", "multiply_adds": "multiply-adds per step"}
RANK_KEYS = ("ranks", "leaf_rank", "inner_rank")


def table(results: Results) -> pd.DataFrame:
    """Return a row per panel, model and rank (0: the format has none), at the shapes of a front end's first data set.

    Variants of a model are left out: they share its format.
    """
    rows = []
    for front_end in dict.fromkeys(place[1] for place in results.places):
        dataset = next(place[0] for place in results.places if place[1] == front_end)
        head = layouts.data_label(results.layout, dataset, front_end)
        for model in [name for *place, name in results.places if place == [dataset, front_end]]:
            if models.get(results, model).family == model:
                place = {"head": head, "model": model, "label": style.label(results, model)}
                for rank, counts in sweep(results, dataset, front_end, model).items():
                    for name, text in QUANTITIES.items():
                        rows.append(place | {"panel": f"{head}\n{text}", "rank": rank, "number": counts[name]})
    data = pd.DataFrame(rows, columns=["head", "panel", "model", "label", "rank", "number"])
    return data.groupby("head", sort=False).filter(lambda found: (found["rank"] > 0).any())


def sweep(results: Results, dataset: str, front_end: str, model: str) -> dict[int, dict[str, int]]:
    """Return rank -> counts, under 0 for a format without ranks; nothing for a model that is no recurrent layer."""
    if models.declaration(results, dataset, front_end, model) is None:
        return {}
    arguments = models.recurrent(results, dataset, front_end, model)
    if not any(key in arguments for key in RANK_KEYS):
        return {0: _counts(arguments)}
    bare = {key: value for key, value in arguments.items() if key not in RANK_KEYS}
    found = {}
    for rank in RANKS:
        try:
            found[rank] = _counts(bare | {"ranks": rank})
        except ValueError:  # above what the modes allow
            break
    return found


def _counts(arguments: dict[str, Any]) -> dict[str, int]:
    declaration = baselines.layer(**arguments)
    return {"W": declaration.parameters()["W"], **declaration.complexity()}


def draw(results: Results) -> Canvas | None:
    """Draw a row of panels per front end."""
    data = table(results)
    if data.empty:
        return None
    shown = list(dict.fromkeys(data["model"]))
    facets = panels.grid(data, len(QUANTITIES), 2.1, sharey=False)
    facets.map_dataframe(_panel, results=results)
    facets.set(yscale="log", xlim=(0.5, RANKS[-1] + 0.5))
    for axes in facets.axes.flat:
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.yaxis.set_minor_locator(NullLocator())
    facets.set_axis_labels("rank (all ranks equal)", "number (log scale)")
    return panels.finish(facets, [panels.key(results, model, line=True) for model in shown])


def _panel(data: pd.DataFrame, results: Results, **_) -> None:
    axes = plt.gca()
    for row in data[data["rank"] == 0].itertuples():
        axes.axhline(row.number, color=style.colour(results, row.model), lw=1)
    rows = data[data["rank"] > 0]
    markers = {style.label(results, model): style.marker(results, model) for model in rows["model"]}
    look = {"hue": "label", "style": "label", "palette": style.palette(results, rows["model"]), "markers": markers}
    sns.lineplot(
        rows, x="rank", y="number", dashes=False, errorbar=None, markersize=3.5, markeredgewidth=0, legend=False,
        ax=axes, **look,
    )  # fmt: skip


FIGURE = Figure(
    name="rank",
    title="Size and work against rank",
    place=50,
    caption="Weights and multiply-adds of one time step against the rank, with all ranks of a model equal, at the "
    "modes of the configuration (logarithmic vertical axes). FDHT-LSTM holds U in W; the other formats keep a dense U. "
    "Curves end at the largest rank that the modes allow.",
    empty="No model has a format with a rank.",
    draw=draw,
    needs="configuration",
)
