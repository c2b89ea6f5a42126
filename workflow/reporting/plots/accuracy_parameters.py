"""Accuracy against the number of weights, on a logarithmic axis."""

from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from workflow.reporting import layout as layouts
from workflow.reporting.content.accuracy import weights
from workflow.reporting.content.material import Material
from workflow.reporting.plots import style
from workflow.reporting.plots.style import Drawing

LINES = {"chance": ":", "nearest_neighbour": "--"}  # no weights to place them by: reference lines


def draw(material: Material) -> Drawing:
    """A panel per data set and front end (rows) and protocol (columns)."""
    settings, protocols = style.settings(material), style.protocols(material)
    if not settings:
        return Drawing(style.nothing("No finished runs yet."), "No finished runs yet.")
    figure, axes = style.panels(len(settings), len(protocols), sharex=True, sharey=True)
    shown: list[str] = []
    for row, (dataset, front_end) in zip(axes, settings, strict=True):
        for panel, protocol in zip(row, protocols, strict=True):
            names = style.models(material, dataset, front_end, protocol)
            shown += [name for name in names if name not in shown]
            counts = [_model(panel, material, dataset, front_end, name, protocol) for name in names]
            label = layouts.setting_label(material.layout, dataset, front_end)
            panel.set_title(f"{label}: {protocol} ({style.runs_text(counts)})")
            panel.set(xscale="log", ylim=(0, 100))
    for panel in axes[-1]:
        panel.set_xlabel("weights, W + U (log scale)")
        panel.xaxis.set_major_locator(LogLocator(10, numticks=20))
        panel.xaxis.set_minor_locator(NullLocator())
    for row in axes:
        row[0].set_ylabel("test accuracy (%)")
    extra = [
        Line2D([], [], color="#333333", marker="o", linestyle="", label="epoch chosen on validation (± std)"),
        Line2D([], [], color="#333333", marker="o", mfc="white", linestyle="", label="best test epoch"),
    ]
    style.legend(figure, material.layout, shown, extra)
    return Drawing(
        figure,
        "Test accuracy against the number of weights (logarithmic axis). Filled: at the epoch chosen on "
        "validation clips, with one standard deviation over the runs; hollow: at the best test epoch, as the "
        "published code reports it. Baselines without weights are horizontal lines.",
    )


def _model(panel, material: Material, dataset: str, front_end: str, model: str, protocol: str) -> int:
    """Draw one model; returns its number of runs."""
    runs = material.runs_of(dataset, front_end, model, protocol)
    colour, marker = style.colour(material.layout, model), style.marker(material.layout, model)
    mean, best = 100 * runs["test_accuracy"].mean(), 100 * runs["best_epoch_accuracy"].mean()
    size = weights(material, dataset, front_end, model, protocol)
    if not size:
        panel.axhline(mean, color=colour, linestyle=LINES.get(model, "-."), linewidth=0.9, zorder=1)
        return len(runs)
    spread = 100 * runs["test_accuracy"].std() if len(runs) > 1 else None
    options = {"color": colour, "marker": marker, "linestyle": ""}
    panel.plot([size], [best], markerfacecolor="white", markeredgewidth=0.8, zorder=2, **options)
    panel.errorbar([size], [mean], yerr=spread, zorder=3, **options)
    return len(runs)
