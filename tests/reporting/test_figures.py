"""Figures: all of them for every kind of records, fonts, bytes, colours, honest axes."""

import json
import re

import numpy as np
import pytest
from synthetic_records import record, write_grid, write_run

from workflow.commands import figures, reference
from workflow.reporting import curves
from workflow.reporting import layout as layouts
from workflow.reporting.figures import accuracy_parameters, leakage, learning_curves, reported, style
from workflow.reporting.figures import factors as plots_factors
from workflow.reporting.predictions import confusion
from workflow.reporting.results import gather

NAMES = ["accuracy_parameters", "learning_curves", "rank", "confusion", "cost", "leakage", "factors", "reported"]


def drawn(root, output, *options):
    assert figures.main(["--from", str(root), "--output", str(output), *options]) == 0
    return output


@pytest.fixture(scope="module")
def folder(few, tmp_path_factory):
    return drawn(few, tmp_path_factory.mktemp("figures"))


def test_every_figure_is_there_as_pdf_and_png_with_a_caption(folder):
    captions = json.loads((folder / "captions.json").read_text())
    assert sorted(captions) == sorted(NAMES)
    for name in NAMES:
        assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert captions[name].endswith(".")


def test_fonts_are_embedded_as_type_42(folder):
    for name in NAMES:
        content = (folder / f"{name}.pdf").read_bytes()
        assert b"/Type3" not in content
        assert b"/FontFile2" in content  # TrueType


def test_the_same_records_draw_the_same_bytes_and_say_where_they_come_from(few, folder, tmp_path):
    drawn(few, tmp_path, "--figures", "leakage")
    for form in ("pdf", "png"):
        content = (tmp_path / f"leakage.{form}").read_bytes()
        assert content == (folder / f"leakage.{form}").read_bytes()
        assert b"workflow.commands.figures" in content
        assert b"CreationDate" not in content


def test_no_records_at_all_draw_figures_that_say_so(tmp_path):
    captions = json.loads((drawn(tmp_path, tmp_path / "figures") / "captions.json").read_text())
    assert len(captions) == len(NAMES)
    assert captions["accuracy_parameters"] == "No finished runs yet."


def test_damaged_records_do_not_stop_a_figure(damaged, tmp_path):
    drawn(damaged, tmp_path, "--figures", "learning_curves", "reported")


def test_records_without_curves_and_predictions_are_no_obstacle(tmp_path):
    write_grid(tmp_path, ("lstm", "fdht_lstm"), folds=1, seeds=1, extras=False)
    some = ("--figures", "confusion", "learning_curves")
    captions = json.loads((drawn(tmp_path, tmp_path / "f", *some) / "captions.json").read_text())
    assert captions["confusion"] == "No predictions yet."
    assert captions["learning_curves"] == "No learning curves yet."


def test_one_colour_per_model_and_marks_that_need_no_colour():
    layout = layouts.load()
    models = list(layout["models"])
    assert len({style.colour(layout, model) for model in models}) == len(models)
    assert len({style.marker(layout, model) for model in models}) == len(models)
    assert style.colour(layout, "tt_lstm_authors") not in {style.colour(layout, model) for model in models}
    assert style.marker(layout, "tt_lstm_authors") == style.marker(layout, "tt_lstm")
    assert style.dashes(layout, "tt_lstm_authors") != style.dashes(layout, "tt_lstm")


def luminance(colour):
    """Relative luminance of an sRGB colour (WCAG 2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def as_deuteranope(colour):
    """How an eye without green cones sees it (Viénot, Brettel and Mollon 1999), as linear RGB."""
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]) ** 2.2
    matrix = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])
    return np.clip(matrix @ channels, 0, 1) ** (1 / 2.2)


def test_the_six_models_stay_apart_for_colour_blind_readers():
    layout = layouts.load()
    seen = [as_deuteranope(style.colour(layout, f"{name}_lstm")) for name in ("tt", "tr", "bt", "ht", "fdht")]
    seen.append(as_deuteranope(style.colour(layout, "lstm")))
    distances = [np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]]
    assert min(distances) > 0.12


def test_the_number_of_runs_stands_in_the_title(results):
    with style.in_style():
        figure = accuracy_parameters.draw(results).figure
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["demo (generated), pixels: group (n = 3–6)", "demo (generated), pixels: random (n = 3–6)"]


def test_the_axis_of_weights_is_logarithmic_and_ends_at_powers_of_ten(results):
    with style.in_style():
        panel = accuracy_parameters.draw(results).figure.axes[0]
    assert panel.get_xscale() == "log"
    assert all(np.log10(end) == pytest.approx(round(np.log10(end))) for end in panel.get_xlim())
    assert "log scale" in panel.figure.axes[1].get_xlabel()


def test_models_of_equal_size_stand_side_by_side_at_their_true_size(tmp_path):
    sizes = {"tt_lstm": 265_504, "tr_lstm": 263_719, "bt_lstm": 265_536, "lstm": 59_244_544}
    assert accuracy_parameters.groups(sizes) == [["tr_lstm", "tt_lstm", "bt_lstm"], ["lstm"]]
    for model, size in sizes.items():
        write_run(tmp_path, record(model, parameters={"W": size, "U": 0, "bias": 0, "classifier": 0}), extras=False)
    with style.in_style():
        figure = accuracy_parameters.draw(gather(tmp_path)).figure
    panel = figure.axes[0]
    drawn_at = {line.get_xdata()[0]: line for line in panel.lines if line.get_marker() in ("o", "^", "D", "s")}
    assert sorted(drawn_at) == sorted(sizes.values())
    ends = [drawn_at[sizes[name]].get_transform().transform((1e5, 50))[0] for name in ("tr_lstm", "tt_lstm", "bt_lstm")]
    assert np.diff(ends) == pytest.approx([accuracy_parameters.STEP * figure.dpi / 72] * 2)


def test_names_of_close_lines_are_set_apart_and_lie_beyond_the_panel(tmp_path):
    for name, accuracy in (("chance", 0.16), ("nearest_neighbour", 0.15), ("lstm", 0.5)):
        write_run(tmp_path, record(name, test_accuracy=accuracy))
    for module in (accuracy_parameters, learning_curves):
        with style.in_style():
            figure = module.draw(gather(tmp_path)).figure
            figure.draw_without_rendering()
        panel = figure.axes[0]
        lower, upper = (text.get_window_extent() for text in panel.texts)
        assert lower.y1 <= upper.y0
        assert lower.x0 > panel.get_window_extent().x1


@pytest.mark.parametrize(
    ("places", "moved"),
    [
        ([], []),
        ([1.0, 9.0], [1.0, 9.0]),
        ([5.0, 5.0], [4.0, 6.0]),
        ([0.0, 5.0, 5.5, 9.0], [0.0, 4.25, 6.25, 9.0]),
        ([1.0, 2.0, 3.0], [0.0, 2.0, 4.0]),
    ],
)
def test_places_are_spread_no_farther_than_needed(places, moved):
    assert style.spread(places, 2.0) == pytest.approx(moved)


@pytest.mark.parametrize("module", [leakage, plots_factors], ids=["leakage", "factors"])
def test_two_error_bars_of_one_row_lie_apart(module):
    with style.in_style():
        figure = module.draw(gather(reference.RECORDS)).figure
    bars = [round(segment[0][1], 3) for bar in figure.axes[0].collections for segment in bar.get_segments()]
    assert len(bars) == len(set(bars)) > 4


@pytest.mark.parametrize(("seeds", "bars"), [(2, 0), (3, 2)])
def test_no_error_bar_is_drawn_over_fewer_than_three_runs(tmp_path, seeds, bars):
    write_grid(tmp_path, ("ht_lstm",), folds=1, seeds=seeds, dataset="ucf11", extras=False)
    with style.in_style():
        (panel,) = reported.draw(gather(tmp_path)).figure.axes
    assert sum(line.get_marker() == "o" for line in panel.lines) == 2
    assert sum(len(bar.get_segments()) for bar in panel.collections) == bars


def test_curves_end_where_the_shortest_run_ended(tmp_path):
    write_run(tmp_path, record(seed=0, epochs=20))
    write_run(tmp_path, record(seed=1, epochs=8))
    with style.in_style():
        panel = learning_curves.draw(gather(tmp_path)).figure.axes[0]
    assert max(line.get_xdata()[-1] for line in panel.lines) == 8


def test_a_stream_that_is_being_written_is_read_up_to_its_last_whole_line(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"epoch": 1, "test_accuracy": 0.1}\n{"epoch": 2, "test_accuracy": 0.2}\n{"epoch": 3, "test_a')
    assert [entry["epoch"] for entry in curves.read(path)] == [1, 2]
    assert curves.read(tmp_path / "none.jsonl") == []


def test_a_resumed_run_repeats_epochs_and_the_later_line_counts(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text(
        '{"epoch": 1, "test_accuracy": 0.1}\n{"epoch": 2, "test_accuracy": 0.2}\n{"epoch": 2, "test_accuracy": 0.3}\n'
    )
    assert curves.column(curves.read(path), "test_accuracy") == [0.1, 0.3]


def test_confusion_counts_every_prediction_once(results):
    matrix, names, runs = confusion(results, "demo", "pixels", "fdht_lstm", "group")
    assert (matrix.sum(), runs, len(names)) == (24 * 6, 6, 8)
    assert matrix.sum(axis=1).tolist() == [18] * 8


def test_text_is_never_smaller_than_six_points():
    pattern = r"^(?:font\.size|.*labelsize|.*titlesize|.*fontsize): ([\d.]+)$"
    sizes = re.findall(pattern, style.STYLE.read_text(), re.MULTILINE)
    assert len(sizes) >= 6
    assert min(map(float, sizes)) >= 6
