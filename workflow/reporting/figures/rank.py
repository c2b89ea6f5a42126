"""Weights and multiply-adds against rank, from the declarations of the formats alone."""

from typing import Any

from matplotlib.ticker import MaxNLocator, NullLocator

import baselines
from workflow.reporting import counted
from workflow.reporting import layout as layouts
from workflow.reporting.figures import style
from workflow.reporting.figures.style import Drawing
from workflow.reporting.results import Results

RANKS = range(1, 17)
QUANTITIES = {"W": "weights W", "weights": "weights W + U", "multiply_adds": "multiply-adds per step"}
RANK_KEYS = ("ranks", "leaf_rank", "inner_rank")


def draw(results: Results) -> Drawing:
    """A row per front end, at the shapes of its first data set; variants of a model are left out."""
    places = counted.places(results)
    rows = []
    for front_end, here in places.groupby("front_end", sort=False):
        dataset = here["dataset"].iloc[0]
        models = [name for name in here.loc[here["dataset"] == dataset, "model"] if not _is_variant(results, name)]
        found = {model: sweep(results, dataset, front_end, model) for model in models}
        found = {model: points for model, points in found.items() if points}
        if any(len(points) > 1 for points in found.values()):
            rows.append((dataset, front_end, found))
    if not rows:
        text = "No model whose format has a rank."
        return style.nothing(text)
    figure, axes = style.panels(len(rows), len(QUANTITIES))
    shown: list[str] = []
    for line, (dataset, front_end, found) in zip(axes, rows, strict=True):
        shown += [model for model in found if model not in shown]
        label = layouts.setting_label(results.layout, dataset, front_end)
        for panel, (quantity, title) in zip(line, QUANTITIES.items(), strict=True):
            for model, points in found.items():
                _curve(panel, results, model, [(rank, point[quantity]) for rank, point in points.items()])
            panel.set_title(title)
            panel.set(yscale="log", xlabel="rank (all ranks equal)", xlim=(0.5, RANKS[-1] + 0.5))
            panel.xaxis.set_major_locator(MaxNLocator(8, integer=True))
            panel.yaxis.set_minor_locator(NullLocator())
        line[0].set_ylabel(f"{label}\nnumber (log scale)")
    style.legend(figure, results.layout, shown, "line")
    return Drawing(
        figure,
        "Weights and multiply-adds of one time step against the rank, all ranks of a model being equal, at the "
        "modes of the configuration (logarithmic vertical axes, not from zero). FDHT-LSTM holds U in W; the other "
        "formats keep a dense U. Curves end at the largest rank that the modes allow.",
    )


def sweep(results: Results, dataset: str, front_end: str, model: str) -> dict[int | None, dict[str, Any]]:
    """rank -> complexity; {None: complexity} for the dense layer; empty for what is no recurrent layer."""
    arguments = counted.arguments(results, dataset, front_end, model)
    if arguments is None:
        return {}
    if not any(key in arguments for key in RANK_KEYS):
        return {None: _numbers(arguments)}
    bare = {key: value for key, value in arguments.items() if key not in RANK_KEYS}
    found = {}
    for rank in RANKS:
        try:
            found[rank] = _numbers(bare | {"ranks": rank})
        except ValueError:  # above what the modes allow
            break
    return found


def _is_variant(results: Results, model: str) -> bool:
    return layouts.base_model(results.layout, model) not in (model, None)


def _numbers(arguments: dict[str, Any]) -> dict[str, int]:
    declaration = baselines.layer(**arguments)
    return {"W": declaration.parameters()["W"], **declaration.complexity()}


def _curve(panel, results: Results, model: str, points: list[tuple[int | None, int]]) -> None:
    colour = style.colour(results.layout, model)
    dashes = style.dashes(results.layout, model)
    if points[0][0] is None:
        panel.axhline(points[0][1], color=colour, linestyle=dashes, linewidth=1.0)
        return
    ranks, values = zip(*points, strict=True)
    panel.plot(
        ranks, values, color=colour, linestyle=dashes, marker=style.marker(results.layout, model), markersize=2.5
    )
