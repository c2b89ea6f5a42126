"""Confusion matrices of the models that the layout names, summed over runs and normalised by true class."""

import numpy as np

from workflow.reporting import layout as layouts
from workflow.reporting.figures import style
from workflow.reporting.figures.style import Drawing
from workflow.reporting.predictions import confusion
from workflow.reporting.results import Results

MOST_NAMES = 16  # class names are readable up to here; above, every tenth is numbered


def draw(results: Results) -> Drawing:
    """A panel per model, data set, front end and protocol."""
    wanted = [
        (dataset, front_end, model, protocol)
        for dataset, front_end in style.settings(results)
        for model in style.models(results, dataset, front_end)
        if layouts.base_model(results.layout, model) in results.layout["confusion"]
        for protocol in style.protocols(results)
    ]
    found = [(setting, confusion(results, *setting)) for setting in wanted]
    found = [(setting, what) for setting, what in found if what[2]]
    if not found:
        return style.nothing("No predictions yet.")
    figure, axes = style.grid(len(found), 3.0)
    for panel, (setting, (matrix, names, runs)) in zip(axes, found, strict=True):
        image = _matrix(panel, matrix, names)
        dataset, front_end, model, protocol = setting
        label = layouts.setting_label(results.layout, dataset, front_end)
        of = layouts.model_label(results.layout, model)
        panel.set_title(f"{label}: {protocol}\n{of}, {matrix.sum()} predictions, {runs} runs")
    bar = {"location": "bottom", "shrink": 0.35, "aspect": 30, "pad": 0.03}
    figure.colorbar(image, ax=axes, label="share of the true class's clips (%)", **bar)
    return Drawing(
        figure,
        "Confusion matrices on test clips, at the epoch chosen on validation clips and summed over the runs. Each "
        "row is one true class and adds up to 100 %.",
    )


def _matrix(panel, matrix: np.ndarray, names: list[str]):
    totals = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(100.0 * matrix, totals, out=np.zeros(matrix.shape), where=totals > 0)
    image = panel.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    panel.grid(False)
    panel.set(xlabel="predicted class", ylabel="true class")
    if len(names) <= MOST_NAMES:
        texts = [name.replace("_", " ") for name in names]
        panel.set_xticks(range(len(names)), texts, rotation=60, ha="right", rotation_mode="anchor")
        panel.set_yticks(range(len(names)), texts)
    else:
        every = range(0, len(names), 10)
        panel.set_xticks(every, [str(index) for index in every])
        panel.set_yticks(every, [str(index) for index in every])
    return image
