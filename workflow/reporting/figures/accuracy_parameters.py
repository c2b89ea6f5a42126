"""Accuracy against the number of weights, on a logarithmic axis."""

import math

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator
from matplotlib.transforms import offset_copy

from workflow.reporting import layout as layouts
from workflow.reporting import observations
from workflow.reporting.figures import style
from workflow.reporting.figures.style import Drawing
from workflow.reporting.results import Results
from workflow.reporting.tables.accuracy import weights

CLOSE = 0.1  # decades: about the width of a marker
STEP = 3.0  # points from one mark to the next where sizes are so close


def draw(results: Results) -> Drawing:
    """A panel per data set and front end (rows) and protocol (columns)."""
    settings, protocols = style.settings(results), style.protocols(results)
    if not settings:
        return style.nothing("No finished runs yet.")
    figure, axes = style.panels(len(settings), len(protocols), sharex=True, sharey="row")
    shown: list[str] = []
    sizes_of: dict[Axes, dict[str, int]] = {}
    lines_of: dict[Axes, dict[str, float]] = {}
    for row, (dataset, front_end) in zip(axes, settings, strict=True):
        for panel, protocol in zip(row, protocols, strict=True):
            names = style.models(results, dataset, front_end, protocol)
            settings_of = {name: (dataset, front_end, name, protocol) for name in names}
            sizes = {name: weights(results, *setting) for name, setting in settings_of.items()}
            sizes_of[panel] = {name: size for name, size in sizes.items() if size}
            runs_of = {name: results.successful(*setting) for name, setting in settings_of.items()}
            shown += [name for name in sizes_of[panel] if name not in shown]
            counts = [len(observations.values(results, "test_accuracy", *setting)) for setting in settings_of.values()]
            label = layouts.setting_label(results.layout, dataset, front_end)
            panel.set_title(f"{label}: {protocol} ({style.runs_text(counts)})")
            panel.set(xscale="log", ylim=(0, 100))
            for group in groups(sizes_of[panel]):
                _group(panel, results, group, sizes_of[panel], runs_of)
            lines_of[panel] = {
                name: 100 * runs["test_accuracy"].mean() for name, runs in runs_of.items() if not sizes[name]
            }
        row[0].set_ylabel("test accuracy (%)")
    for panel in axes[-1]:
        panel.set_xlabel("weights, W + U (log scale)")
    panel.xaxis.set_major_locator(LogLocator(10, numticks=20))
    panel.xaxis.set_minor_locator(NullLocator())
    exponents = [math.log10(size) for sizes in sizes_of.values() for size in sizes.values()] or [0, 1]
    panel.set_xlim(10 ** math.floor(min(exponents)), 10 ** math.ceil(max(exponents)))
    extra = [
        Line2D([], [], color="#333333", marker="o", linestyle="", label="epoch chosen on validation (± std)"),
        Line2D([], [], color="#333333", marker="_", linestyle="", markersize=7, label="best test epoch"),
    ]
    shown = [name for name in results.experiments["model"].drop_duplicates() if name in shown]
    style.legend(figure, results.layout, shown, "marker", extra)
    style.reference_lines(figure, results.layout, lines_of)
    return Drawing(
        figure,
        "Test accuracy against the number of weights (logarithmic axis). Markers: at the epoch chosen on validation "
        "clips, with one standard deviation over the runs; short bars: at the best test epoch, as the published code "
        "reports it. Models of almost equal size stand side by side in a grey strip, whose middle is their size. "
        "Baselines without weights are horizontal lines.",
    )


def _group(panel: Axes, results: Results, group: list[str], sizes: dict[str, int], runs_of: dict) -> None:
    """Draw models of almost equal size side by side, so that none hides another. The steps between them are points
    on paper: on the axis, which is logarithmic, all stand at their size, and a strip shows that they belong together.
    """
    if len(group) > 1:
        middle = math.prod(sizes[model] for model in group) ** (1 / len(group))
        panel.axvline(middle, color="#f0f0f0", linewidth=STEP * len(group) + 4, solid_capstyle="butt", zorder=0)
    for index, model in enumerate(group):
        aside = STEP * (index - (len(group) - 1) / 2)
        moved = offset_copy(panel.transData, panel.figure, aside, units="points")
        _model(panel, results, model, sizes[model], runs_of[model], moved)


def _model(panel: Axes, results: Results, model: str, size: int, runs, transform) -> None:
    mean, best = 100 * runs["test_accuracy"].mean(), 100 * runs["best_epoch_accuracy"].mean()
    spread = 100 * runs["test_accuracy"].std() if len(runs) > 1 else None
    colour = style.colour(results.layout, model)
    look = {"color": colour, "marker": style.marker(results.layout, model)}
    look |= {"markersize": style.marker_size(results.layout, model), "linestyle": ""}
    bar = {"color": colour, "marker": "_", "markersize": 7, "markeredgewidth": 1.1}
    panel.plot([size], [best], zorder=2, transform=transform, **bar)
    panel.errorbar([size], [mean], yerr=spread, elinewidth=0.8, zorder=3, transform=transform, **look)


def groups(sizes: dict[str, int]) -> list[list[str]]:
    """The models in the order of their sizes; those within CLOSE decades of a neighbour are in one group with it."""
    found: list[list[str]] = []
    for model in sorted(sizes, key=lambda model: (sizes[model], model)):
        if found and math.log10(sizes[model] / sizes[found[-1][-1]]) < CLOSE:
            found[-1].append(model)
        else:
            found.append([model])
    return found
