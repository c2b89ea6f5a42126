"""No text of a figure overlaps another or is cut; marks differ without colour."""

import itertools

import matplotlib.style
import pandas as pd
import pytest
from synthetic_records import record, write_grid, write_run

from workflow.reporting.drawing import dots, panels
from workflow.reporting.drawing.figure import STYLE
from workflow.reporting.drawing.panels import Look
from workflow.reporting.figures import FIGURES
from workflow.reporting.results import gather

NAMES = sorted(set(FIGURES) - {"ablation", "dose", "factors", "pareto"})  # those that the grid below has records for


@pytest.fixture(scope="module")
def papers_grid(tmp_path_factory):
    """The paper's data sets and front ends, with few runs of few models."""
    root = tmp_path_factory.mktemp("papers_grid")
    for dataset, front_end in itertools.product(("ucf11", "hmdb51", "youtube_celebrities"), ("pixels", "inception_v3")):
        some = ("nearest_neighbour", "lstm", "ht_lstm", "fdht_lstm")
        write_grid(root, some, folds=1, seeds=1, dataset=dataset, front_end=front_end, epochs=200)
    return gather(root)


def overlaps(boxes):
    return [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]


def shown_labels(axis):
    """The boxes of the tick labels of an axis that are seen; turned ones lie apart though their boxes overlap."""
    low, high = sorted(axis.get_view_interval())
    ticks = [tick for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()) if low <= tick.get_loc() <= high]
    labels = [tick.label1 for tick in ticks if tick.label1.get_visible() and tick.label1.get_text()]
    return [label.get_window_extent() for label in labels if label.get_rotation() in (0, 90)]


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_of_the_papers_grid_is_whole_and_fits_half_a_page(papers_grid, name):
    figure = FIGURES[name].drawing(papers_grid).canvas
    assert figure.get_figwidth() == panels.PAGE
    assert figure.get_figheight() <= panels.HALF
    check_whole(figure)


def check_whole(figure):
    """No text of a figure overlaps another or is cut."""
    figure.set_dpi(220)  # as it is saved
    figure.draw_without_rendering()
    titles = [axes._left_title.get_window_extent() for axes in figure.axes if axes._left_title.get_text()]
    labels = [box for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for box in shown_labels(axis)]
    legends = [legend.get_window_extent() for legend in figure.legends]
    sides = [text.get_window_extent() for axes in figure.axes for text in axes.texts if text.get_text()]
    assert overlaps([*titles, *labels, *legends, *sides]) == []
    bottom = [axes.xaxis for axes in figure.axes if axes.xaxis.get_tick_params()["labelbottom"]]
    assert all(len(shown_labels(axis)) >= 2 for axis in bottom), "an axis without numbers"
    for box in [*titles, *labels, *legends, *sides]:
        assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1


def test_a_title_above_a_panel_that_long_labels_make_narrow_is_whole():
    title = "UCF11 (217 of 1 600 clips, 9 of 11 classes), EfficientNet-Lite2 features\nFDHT-LSTM (3 392 weights) minus"
    names = ["HT, W and U apart", "Fully decomposed TT-LSTM (rank 3)"]
    data = pd.DataFrame({"column": title, "row": "", "n": 4, "label": names, "series": "s", "value": [1.0, 2.0]})
    with matplotlib.style.context(STYLE):
        figure = dots.draw(data.assign(low=0.0, high=3.0), {"s": Look("s", "#333333")}, "points")
    assert figure.get_figwidth() == panels.COLUMN
    check_whole(figure)


def test_labels_of_a_logarithmic_axis_of_cost_lie_apart(tmp_path):
    """Those of five decades below 10 once ran into each other: "0.00010.001"."""
    write_run(tmp_path, record("lstm", train_seconds=11.0))
    write_run(tmp_path, record("fdht_lstm", train_seconds=2e-5))
    figure = FIGURES["cost"].drawing(gather(tmp_path)).canvas
    figure.draw_without_rendering()
    axes = figure.axes[0]
    boxes = [text.get_window_extent() for text in axes.get_xticklabels() if text.get_text()]
    assert len(boxes) > 1
    assert all(after.x0 - before.x1 > 5 for before, after in itertools.pairwise(boxes))


def test_two_series_of_the_figure_of_cost_differ_in_marker_too(tmp_path):
    """Printed in grey, the first two colours look alike."""
    for front_end, seed in itertools.product(("pixels", "inception_v3"), range(3)):
        write_run(tmp_path, record(front_end=front_end, device=f"CPU {seed}", seed=seed), extras=False)
    (legend,) = FIGURES["cost"].drawing(gather(tmp_path)).canvas.legends
    shown = [(line.get_marker(), line.get_markerfacecolor()) for line in legend.legend_handles]
    assert len(set(shown)) == len(shown) > 5
    assert all(one[0] != other[0] for one, other in itertools.pairwise(shown))


@pytest.mark.parametrize("accuracy", [0.0, 0.5, 1.0])
def test_equal_whole_tens_leave_the_axis_some_height(tmp_path, accuracy):
    write_run(tmp_path, record(test_accuracy=accuracy, best_epoch_accuracy=accuracy), extras=False)
    low, high = FIGURES["accuracy_parameters"].drawing(gather(tmp_path)).canvas.axes[0].get_ylim()
    assert low <= 100 * accuracy < high


def test_models_that_the_layout_does_not_know_differ(tmp_path):
    names = ("tucker_lstm", "tucker_gru", "cp_lstm", "kron_lstm")
    for name in names:
        write_run(tmp_path, record(name), extras=False)
    found = [panels.look(gather(tmp_path), name) for name in names]
    assert len({own.colour for own in found}) == len({own.marker for own in found}) == len(found)
