"""Accuracy against the number of weights, on a logarithmic axis."""

import math

from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from workflow.reporting import layout as layouts
from workflow.reporting.content.accuracy import weights
from workflow.reporting.content.material import Material
from workflow.reporting.plots import style
from workflow.reporting.plots.style import Drawing


def draw(material: Material) -> Drawing:
    """A panel per data set and front end (rows) and protocol (columns)."""
    settings, protocols = style.settings(material), style.protocols(material)
    if not settings:
        return Drawing(style.nothing("No finished runs yet."), "No finished runs yet.")
    figure, axes = style.panels(len(settings), len(protocols), sharex=True, sharey="row")
    shown: list[str] = []
    for row, (dataset, front_end) in zip(axes, settings, strict=True):
        for panel, protocol in zip(row, protocols, strict=True):
            names = style.models(material, dataset, front_end, protocol)
            counts = []
            for name in names:
                placed = _model(panel, material, dataset, front_end, name, protocol)
                counts.append(len(material.runs_of(dataset, front_end, name, protocol)))
                shown += [name] if placed and name not in shown else []
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
    style.legend(figure, material.layout, shown, "marker", extra)
    return Drawing(
        figure,
        "Test accuracy against the number of weights (logarithmic axis; vertical axes differ between data sets and "
        "need not start at zero). Markers: at the epoch chosen on validation clips, with one standard deviation "
        "over the runs; short bars: at the best test epoch, as the published code reports it. Baselines without "
        "weights are horizontal lines.",
    )


def _model(panel, material: Material, dataset: str, front_end: str, model: str, protocol: str) -> bool:
    """Draw one model; False where it has no weights to be placed by."""
    runs = material.runs_of(dataset, front_end, model, protocol)
    colour, marker = style.colour(material.layout, model), style.marker(material.layout, model)
    mean, best = 100 * runs["test_accuracy"].mean(), 100 * runs["best_epoch_accuracy"].mean()
    size = weights(material, dataset, front_end, model, protocol)
    if not size:
        style.reference_line(panel, material.layout, model, mean)
        return False
    spread = 100 * runs["test_accuracy"].std() if len(runs) > 1 else None
    panel.plot([size], [best], color=colour, marker="_", markersize=8, markeredgewidth=1.1, zorder=2)
    options = {"color": colour, "marker": marker, "linestyle": "", "elinewidth": 0.8}
    panel.errorbar([size], [mean], yerr=spread, zorder=3, **options)
    return True
