"""Both starts and recipes of every format, under both protocols."""

from matplotlib.lines import Line2D

from workflow.reporting import layout as layouts
from workflow.reporting.figures import style
from workflow.reporting.figures.style import Drawing
from workflow.reporting.results import Results
from workflow.reporting.tables import factors

NOTHING = "No format was run with both starts and recipes."


def draw(results: Results) -> Drawing:
    """A row per data set and front end, a panel per protocol; a line per format from one start to the other."""
    designs = {place: factors.design(results, *place) for place in style.settings(results)}
    designs = {place: found for place, found in designs.items() if found}
    if not designs:
        return style.nothing(NOTHING)
    most = max(len(found) for found in designs.values())
    figure, axes = style.panels(len(designs), len(factors.PROTOCOLS), height=0.65 + 0.22 * most, sharey="row")
    for line, (place, found) in zip(axes, designs.items(), strict=True):
        label = layouts.setting_label(results.layout, *place)
        for panel, protocol in zip(line, factors.PROTOCOLS, strict=True):
            counts = []
            for height, models in enumerate(found.values()):
                counts += _line(panel, results, height, (*place, protocol), models)
            panel.set_title(f"{label}: {protocol} ({style.runs_text(counts)} each)")
            panel.set(xlim=(0, 100), ylim=(len(found) - 0.4, -0.6))
        line[0].set_yticks(range(len(found)), [layouts.model_label(results.layout, family) for family in found])
    for panel in axes[-1]:
        panel.set_xlabel("test accuracy, epoch chosen on validation (%)")
    dark = {"color": "#333333", "linestyle": "", "marker": "o"}
    extra = [
        Line2D([], [], label="matched standard deviation of the reconstructed weight, our recipe", **dark),
        Line2D([], [], mfc="white", label="published start and recipe", **dark),
    ]
    style.legend(figure, results.layout, [], "marker", extra)
    return Drawing(
        figure,
        "Protocol, start and recipe, and format: the same formats with both starts and recipes under both protocols "
        "(mean ± one standard deviation over the runs). What a recipe holds besides the start is said in the table.",
    )


def _line(panel, results: Results, height: int, where: tuple[str, str, str], models: dict[str, str]) -> list[int]:
    """Draw a format; returns the numbers of runs behind its marks."""
    dataset, front_end, protocol = where
    means, heights, counts = [], [], []
    for start, aside in zip(factors.STARTS, (-style.BESIDE, style.BESIDE), strict=True):
        runs = results.successful(dataset, front_end, models[start], protocol)["test_accuracy"].dropna()
        if runs.empty:
            continue
        colour = style.colour(results.layout, models["matched"])
        means.append(100 * runs.mean())
        heights.append(height + aside)
        counts.append(len(runs))
        look = {"color": colour, "markerfacecolor": colour if start == "matched" else "white", "marker": "o"}
        spread = 100 * runs.std() if len(runs) > 1 else None
        panel.errorbar([means[-1]], [heights[-1]], xerr=spread, linestyle="", elinewidth=0.8, zorder=2, **look)
    if len(means) > 1:
        panel.plot(means, heights, color=colour, linewidth=0.6, linestyle=":", zorder=1)
    return counts
