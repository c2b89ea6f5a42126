"""Published accuracies beside ours."""

from matplotlib.lines import Line2D

from workflow.reporting import layout as layouts
from workflow.reporting.figures import style
from workflow.reporting.figures.style import Drawing
from workflow.reporting.results import Results
from workflow.reporting.statistics import FEWEST
from workflow.reporting.tables import comparison

NEAREST, STRICT = comparison.VIEWS[0], comparison.VIEWS[2]


def draw(results: Results) -> Drawing:
    """A panel per data set and front end that has a published accuracy; a line per model."""
    table = comparison.build(results)
    table = table[table["metric"] == "accuracy"]
    known = table[table["reported"].notna()]
    groups = list(known.groupby(["dataset", "front_end"], sort=False))
    if not groups:
        text = "No accuracy that we may state was published for these data."
        return style.nothing(text)
    most = max(rows["model"].nunique() for _, rows in groups)
    figure, axes = style.grid(len(groups), 0.65 + 0.22 * most)
    for panel, ((dataset, front_end), rows) in zip(axes, groups, strict=True):
        names = list(dict.fromkeys(rows["model"]))
        counts = []
        for row in rows.to_dict("records"):
            place = names.index(row["model"])
            panel.plot([100 * row["reported"]] * 2, [place - 0.32, place + 0.32], color="#000000", linewidth=1.6)
            view = row["protocol"], row["measure"]
            if view in (NEAREST, STRICT) and row["n"]:
                _mark(
                    panel, results, place + (-style.BESIDE if view == NEAREST else style.BESIDE), row, view == NEAREST
                )
                counts.append(int(row["n"]))
        panel.set_yticks(range(len(names)), [layouts.model_label(results.layout, name) for name in names])
        panel.set(xlim=(0, 100), ylim=(len(names) - 0.4, -0.6), xlabel="test accuracy (%)")
        label = layouts.setting_label(results.layout, dataset, front_end)
        part = "a part of " if results.partial(dataset) else ""  # the reported numbers are for the whole set
        panel.set_title(f"{part}{label} ({style.runs_text(counts)})")
    dark = {"color": "#333333", "linestyle": ""}
    extra = [
        Line2D([], [], color="#000000", marker="|", markersize=8, markeredgewidth=1.6, linestyle="", label="reported"),
        Line2D([], [], marker="o", label="random protocol, best test epoch (nearest to theirs)", **dark),
        Line2D([], [], marker="o", mfc="white", label="group protocol, epoch chosen on validation", **dark),
    ]
    style.legend(figure, results.layout, [], "marker", extra)
    return Drawing(
        figure,
        "Reported against reproduced accuracy, with 95 % intervals over folds and seeds. Filled: nearest to how the "
        "published codes measure it (the table says what is left between); hollow: under protocol group and with the "
        "epoch chosen on validation clips.",
    )


def _mark(panel, results: Results, place: float, row: dict, nearest: bool) -> None:
    colour, mean = style.colour(results.layout, row["model"]), 100 * row["reproduced"]
    known = row["low"] == row["low"] and row["n"] >= FEWEST
    reach = [[mean - 100 * row["low"]], [100 * row["high"] - mean]] if known else None
    options = {"color": colour, "markerfacecolor": colour if nearest else "white", "marker": "o", "elinewidth": 0.8}
    panel.errorbar([mean], [place], xerr=reach, linestyle="", **options)
