"""Accuracy against the number of weights, on a logarithmic axis."""

import itertools
import math
from collections.abc import Iterable

from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from workflow.reporting import layout as layouts
from workflow.reporting.content import observations
from workflow.reporting.content.accuracy import weights
from workflow.reporting.content.material import Material
from workflow.reporting.plots import style
from workflow.reporting.plots.style import Drawing

CLOSE = 0.1  # decades: about the width of a marker


def draw(material: Material) -> Drawing:
    """A panel per data set and front end (rows) and protocol (columns)."""
    settings, protocols = style.settings(material), style.protocols(material)
    if not settings:
        return style.nothing("No finished runs yet.")
    figure, axes = style.panels(len(settings), len(protocols), sharex=True, sharey="row")
    shown: list[str] = []
    for row, (dataset, front_end) in zip(axes, settings, strict=True):
        for panel, protocol in zip(row, protocols, strict=True):
            names = style.models(material, dataset, front_end, protocol)
            settings_of = {name: (dataset, front_end, name, protocol) for name in names}
            sizes = {name: weights(material, *setting) for name, setting in settings_of.items()}
            places = apart({name: size for name, size in sizes.items() if size})
            for name, setting in settings_of.items():
                _model(panel, material, places.get(name), widest_gap(places.values()), *setting)
            counts = [len(observations.values(material, "test_accuracy", *setting)) for setting in settings_of.values()]
            shown += [name for name in places if name not in shown]
            label = layouts.setting_label(material.layout, dataset, front_end)
            panel.set_title(f"{label}: {protocol} ({style.runs_text(counts)})")
            panel.set(xscale="log")
        row[0].set_ylabel("test accuracy (%)")
    for panel in axes[-1]:
        panel.set_xlabel("weights, W + U (log scale)")
    panel.xaxis.set_major_locator(LogLocator(10, numticks=20))
    panel.xaxis.set_minor_locator(NullLocator())
    low, high = panel.get_xlim()
    panel.set_xlim(10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high)))
    extra = [
        Line2D([], [], color="#333333", marker="o", linestyle="", label="epoch chosen on validation (± std)"),
        Line2D([], [], color="#333333", marker="_", linestyle="", markersize=7, label="best test epoch"),
    ]
    shown = [name for name in material.settings["model"].drop_duplicates() if name in shown]
    style.legend(figure, material.layout, shown, "marker", extra)
    return Drawing(
        figure,
        "Test accuracy against the number of weights (logarithmic axis; vertical axes differ between data sets "
        "and need not start at zero). Markers: at the epoch chosen on validation clips, with one standard "
        "deviation over the runs; short bars: at the best test epoch, as the published code reports it. Models of "
        "almost equal size are set apart sideways so that none hides another; their sizes are in the table. "
        "Baselines without weights are horizontal lines.",
    )


def _model(panel, material: Material, place: float | None, gap: float | None, *setting: str) -> None:
    """Draw one model at `place`, or as a line named in a `gap` where it has no weights to be placed by."""
    runs, model = material.runs_of(*setting), setting[2]
    mean, best = 100 * runs["test_accuracy"].mean(), 100 * runs["best_epoch_accuracy"].mean()
    if place is None:
        style.reference_line(panel, material.layout, model, mean, at=gap)
        return
    colour = style.colour(material.layout, model)
    spread = 100 * runs["test_accuracy"].std() if len(runs) > 1 else None
    panel.plot([place], [best], color=colour, marker="_", markersize=7, markeredgewidth=1.1, zorder=2)
    look = {
        "marker": style.marker(material.layout, model),
        "markersize": style.marker_size(material.layout, model),
    }
    panel.errorbar([place], [mean], yerr=spread, color=colour, linestyle="", elinewidth=0.8, zorder=3, **look)


def widest_gap(places: Iterable[float]) -> float | None:
    """The middle, on the logarithmic axis, of the widest gap between neighbours; None where there are no two."""
    ranked = sorted(math.log10(place) for place in places)
    gaps = [(b - a, (a + b) / 2) for a, b in itertools.pairwise(ranked)]
    return 10 ** max(gaps)[1] if gaps else None


def apart(sizes: dict[str, int]) -> dict[str, float]:
    """Where to draw each model so that none hides another: its number of weights, unless a neighbour is within
    CLOSE decades; such neighbours are spread around their middle, CLOSE decades from one to the next."""
    ranked = sorted(sizes, key=lambda model: (sizes[model], model))
    clusters: list[list[str]] = []
    for model in ranked:
        if clusters and math.log10(sizes[model] / sizes[clusters[-1][-1]]) < CLOSE:
            clusters[-1].append(model)
        else:
            clusters.append([model])
    places = {}
    for cluster in clusters:
        middle = sum(math.log10(sizes[model]) for model in cluster) / len(cluster)
        for index, model in enumerate(cluster):
            moved = middle + CLOSE * (index - (len(cluster) - 1) / 2)
            places[model] = float(sizes[model]) if len(cluster) == 1 else 10**moved
    return places
