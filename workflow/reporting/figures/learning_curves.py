"""Accuracy over the epochs: the mean of the runs and a band of one standard deviation."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from workflow.reporting import curves
from workflow.reporting import layout as layouts
from workflow.reporting.figures import style
from workflow.reporting.figures.style import Drawing
from workflow.reporting.results import Results


def draw(results: Results) -> Drawing:
    """A panel per data set and front end (rows) and protocol (columns)."""
    settings, protocols = style.settings(results), style.protocols(results)
    figure, axes = style.panels(max(1, len(settings)), max(1, len(protocols)), sharey=True)
    shown: list[str] = []
    untrained: dict[Axes, dict[str, float]] = {}
    for row, (dataset, front_end) in zip(axes, settings, strict=False):
        for panel, protocol in zip(row, protocols, strict=False):
            counts, lines = [], untrained.setdefault(panel, {})
            for model in style.models(results, dataset, front_end, protocol):
                count = _model(panel, results, dataset, front_end, model, protocol)
                runs = results.successful(dataset, front_end, model, protocol)
                counts.append(len(runs))
                if not count:
                    lines[model] = 100 * runs["test_accuracy"].mean()
                elif model not in shown:
                    shown.append(model)
            label = layouts.setting_label(results.layout, dataset, front_end)
            panel.set_title(f"{label}: {protocol} ({style.runs_text(counts)})")
            panel.set(ylim=(0, 101))
            panel.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        row[0].set_ylabel("accuracy (%)")
    for panel in axes[-1]:
        panel.set_xlabel("epoch")
    if not shown:
        return style.nothing("No learning curves yet.")
    extra = [
        Line2D([], [], color="#333333", linestyle="-", label="test (band: ± std)"),
        Line2D([], [], color="#333333", linestyle=":", linewidth=0.8, label="train"),
    ]
    style.legend(figure, results.layout, shown, "line", extra)
    style.reference_lines(figure, results.layout, untrained)
    return Drawing(
        figure,
        "Learning curves: mean over the runs, with a band of one standard deviation for the test accuracy. "
        "Curves end at the last epoch that all runs of a model reached; baselines without training are lines.",
    )


def _model(panel, results: Results, dataset: str, front_end: str, model: str, protocol: str) -> int:
    """Draw one model; returns how many runs have a curve of two epochs or more."""
    runs = results.successful(dataset, front_end, model, protocol)
    found = [curves.read((results.root / record).with_name("metrics.jsonl")) for record in runs["record"]]
    found = [epochs for epochs in found if len(epochs) > 1]
    if not found:  # nothing is trained
        return 0
    length = min(len(epochs) for epochs in found)
    epochs = [entry["epoch"] for entry in found[0][:length]]
    colour, dashes = style.colour(results.layout, model), style.dashes(results.layout, model)
    test, train = (
        100 * np.array([curves.column(run[:length], name) for run in found])
        for name in ("test_accuracy", "train_accuracy")
    )
    panel.plot(epochs, train.mean(axis=0), color=colour, linestyle=":", linewidth=0.8)
    middle = test.mean(axis=0)
    panel.plot(epochs, middle, color=colour, linestyle=dashes)
    if len(found) > 1:
        spread = test.std(axis=0, ddof=1)
        panel.fill_between(epochs, middle - spread, middle + spread, color=colour, alpha=0.15, linewidth=0)
    return len(found)
