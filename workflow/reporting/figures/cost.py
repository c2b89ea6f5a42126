"""Time and memory of training, model by model, on logarithmic axes."""

import math

from matplotlib.ticker import LogLocator, NullFormatter

from workflow.reporting import layout as layouts
from workflow.reporting.figures import style
from workflow.reporting.figures.style import Drawing
from workflow.reporting.results import Results
from workflow.reporting.tables import cost

MOST_DECADES = 2.0  # where an axis spans more, only powers of ten have room for their labels
QUANTITIES = {
    "train_seconds_mean": "training per run (s)",
    "step_ms": "training step (ms)",
    "peak_memory_mb": "peak memory (MB)",
}


def draw(results: Results) -> Drawing:
    """A row per data set, front end and device; a panel per quantity, a line per model."""
    table = cost.build(results)
    groups = list(table.groupby(["dataset", "front_end", "device"], sort=False))
    if not groups:
        return style.nothing("No finished runs yet.")
    most = max(len(rows) for _, rows in groups)
    figure, axes = style.panels(len(groups), len(QUANTITIES), height=0.5 + 0.16 * most, sharey="row")
    for line, ((dataset, front_end, device), rows) in zip(axes, groups, strict=True):
        names = list(rows["model"])
        for panel, (quantity, label) in zip(line, QUANTITIES.items(), strict=True):
            for place, row in enumerate(rows.to_dict("records")):
                colour = style.colour(results.layout, row["model"])
                marker = style.marker(results.layout, row["model"])
                value = row[quantity]
                if value == value and value > 0:
                    panel.plot([value], [place], color=colour, marker=marker, markeredgewidth=1, linestyle="")
            panel.margins(x=0.12)
            panel.set(xscale="log", xlabel=f"{label}, log scale", ylim=(len(names) - 0.4, -0.6))
            low, high = panel.get_xlim()
            subs = (1.0, 2.0, 5.0) if math.log10(high / low) <= MOST_DECADES else (1.0,)
            panel.xaxis.set_major_locator(LogLocator(10, subs=subs, numticks=8))
            panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            panel.xaxis.set_minor_formatter(NullFormatter())
        counts = [int(count) for count in rows["n"]]
        line[0].set_yticks(range(len(names)), [layouts.model_label(results.layout, name) for name in names])
        label = layouts.setting_label(results.layout, dataset, front_end)
        line[0].set_title(f"{label}, on {device} ({style.runs_text(counts)})")
    return Drawing(
        figure,
        "Cost of training (logarithmic axes): mean time of a run, median training step, largest peak memory, "
        "per data set, front end and device. What is zero or was not measured has no mark.",
    )
