"""The same models under both protocols: what a random split by clips adds."""

from matplotlib.lines import Line2D

from workflow.reporting import layout as layouts
from workflow.reporting.figures import style
from workflow.reporting.figures.style import Drawing
from workflow.reporting.results import Results
from workflow.reporting.tables import leakage, parts


def draw(results: Results) -> Drawing:
    """A panel per data set and front end; a line per model from its group to its published accuracy."""
    table = leakage.build(results)
    table = table[(table["measure"] == "test_accuracy") & (table["n_group"] > 0) & (table["n_random"] > 0)]
    groups = list(table.groupby(["dataset", "front_end"], sort=False))
    if not groups:
        text = "No model has runs under both protocols yet."
        return style.nothing(text)
    most = max(len(rows) for _, rows in groups)
    figure, axes = style.grid(len(groups), 0.65 + 0.21 * most)
    for panel, ((dataset, front_end), rows) in zip(axes, groups, strict=True):
        for place, row in enumerate(rows.to_dict("records")):
            _line(panel, results, place, row)
        names = [layouts.model_label(results.layout, name) for name in rows["model"]]
        panel.set_yticks(range(len(names)), names)
        panel.set(xlim=(0, 100), ylim=(len(names) - 0.4, -0.6), xlabel="test accuracy (%),\nepoch chosen on validation")
        counts = style.runs_text([*rows["n_group"], *rows["n_random"]])
        panel.set_title(f"{layouts.setting_label(results.layout, dataset, front_end)} ({counts} each)")
    shown = list(dict.fromkeys(dataset for (dataset, _), _ in groups))
    extra = [
        Line2D([], [], color="#333333", marker="o", linestyle="", label=f"group: {_promise(results, shown)}"),
        Line2D([], [], color="#333333", marker="o", mfc="white", linestyle="", label="random: clips at random"),
    ]
    style.legend(figure, results.layout, [], "marker", extra)
    more = parts.sources_text(results, shown), parts.sizes_text(results, shown)
    caption = (
        "The same models, trained and scored under the two protocols (mean ± one standard deviation over the "
        "runs). The distance is what clips of the same source in train and test are worth, as far as the training "
        "parts are of one size."
    )
    return Drawing(figure, " ".join([caption, *filter(None, more)]))


def _promise(results: Results, datasets: list[str]) -> str:
    """What holds for all panels, or for each data set by name where it is not the same."""
    kept: dict[str, list[str]] = {}
    for dataset in datasets:
        kept.setdefault(parts.promise(results, dataset), []).append(layouts.dataset_label(results.layout, dataset))
    if len(kept) == 1:
        return next(iter(kept))
    return ";\n".join(f"{text} ({', '.join(names)})" for text, names in kept.items())


def _line(panel, results: Results, place: int, row: dict) -> None:
    colour = style.colour(results.layout, row["model"])
    low, high = 100 * row["group_mean"], 100 * row["random_mean"]
    heights = place - style.BESIDE, place + style.BESIDE
    panel.plot([low, high], heights, color=colour, linewidth=0.6, linestyle=":", zorder=1)
    for name, value, height, face in zip(("group", "random"), (low, high), heights, (colour, "white"), strict=True):
        spread = 100 * row[f"{name}_std"]
        options = {"color": colour, "markerfacecolor": face, "marker": "o", "linestyle": "", "elinewidth": 0.8}
        panel.errorbar([value], [height], xerr=spread if spread == spread else None, zorder=2, **options)
