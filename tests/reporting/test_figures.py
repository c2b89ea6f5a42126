"""Figures: all of them for every kind of records, fonts, bytes, colours, honest axes."""

import itertools
import re
import sys

import matplotlib.style
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgb
from synthetic_records import record, write_grid, write_run

from workflow.commands import figures
from workflow.reporting import captions, models
from workflow.reporting import figures as package
from workflow.reporting.drawing import dots, panels
from workflow.reporting.drawing.figure import STYLE, THEME
from workflow.reporting.drawing.panels import Look, look
from workflow.reporting.figures import FIGURES, accuracy_parameters, cost, factors, rank, reported, siblings
from workflow.reporting.registry import registered
from workflow.reporting.results import gather
from workflow.reporting.tables import leakage
from workflow.storage.command_line import call
from workflow.storage.errors import InputError

EVERYTHING = {"accuracy_parameters", "leakage", "siblings", "rank", "learning_curves", "cost", "confusion"}  # of `few`


def canvas(name, results):
    """The matplotlib figure; laid out, so that sizes can be asked for."""
    figure = FIGURES[name].drawing(results).canvas
    figure.draw_without_rendering()
    return figure


def drawn(root, output, *options):
    call(figures.main, ["--from", root, "--output", output, *options])
    return output


def test_every_figure_with_something_to_show_is_there_as_pdf_and_png_with_a_caption(drawings):
    found = captions.read(drawings)
    assert list(found) == [name for name in FIGURES if name in EVERYTHING]
    assert {file.stem for file in drawings.glob("*.p*")} == EVERYTHING
    for name in EVERYTHING:
        assert (drawings / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert (drawings / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert all(caption.text.endswith(".") for caption in found.values())


def test_a_new_file_is_a_new_figure(few, tmp_path, monkeypatch):
    (tmp_path / "extra.py").write_text(
        "from matplotlib.figure import Figure as Canvas\n"
        "from workflow.reporting.drawing.figure import Figure\n"
        "FIGURE = Figure('extra', 'Extra', 99, 'A new figure.', lambda results: Canvas())\n"
    )
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    figures = registered(package.__name__, package.__path__, "FIGURE")
    monkeypatch.delitem(sys.modules, f"{package.__name__}.extra")
    assert list(figures) == [*FIGURES, "extra"]
    assert figures["extra"].drawing(gather(few)).text == "A new figure."


def test_a_figure_with_nothing_to_show_has_neither_files_nor_a_caption(few, tmp_path, capsys):
    (tmp_path / "factors.png").write_text("of earlier records")
    drawn(few, tmp_path, "--figures", "factors")
    reason = "No format was run with both recipes."
    assert captions.read(tmp_path) == {}
    assert not list(tmp_path.glob("factors.*"))
    assert f"figures: skipped factors: {reason}" in capsys.readouterr().out


def test_an_unknown_figure_is_an_error_that_names_the_known_ones(few, tmp_path):
    with pytest.raises(InputError, match="--figures: unknown figure 'costs'; known: accuracy_parameters, "):
        drawn(few, tmp_path, "--figures", "costs")


def test_fonts_are_embedded_as_type_42(drawings):
    for name in EVERYTHING:
        content = (drawings / f"{name}.pdf").read_bytes()
        assert b"/Type3" not in content
        assert b"/FontFile2" in content  # TrueType


def test_the_same_records_draw_the_same_bytes_and_say_where_they_come_from(few, drawings, tmp_path):
    drawn(few, tmp_path, "--figures", "leakage")
    for form in ("pdf", "png"):
        content = (tmp_path / f"leakage.{form}").read_bytes()
        assert content == (drawings / f"leakage.{form}").read_bytes()
        assert b"workflow.commands.figures" in content
        assert b"CreationDate" not in content


def test_without_records_no_figure_is_drawn_and_the_reason_is_given(tmp_path, capsys):
    assert captions.read(drawn(tmp_path, tmp_path / "figures")) == {}
    assert "figures: skipped accuracy_parameters: No finished runs yet." in capsys.readouterr().out
    assert not list((tmp_path / "figures").glob("*.p*"))


def test_damaged_records_do_not_stop_a_figure(damaged, tmp_path):
    drawn(damaged, tmp_path, "--figures", "learning_curves", "--figures", "reported")


def test_records_without_curves_and_predictions_are_no_obstacle(tmp_path, capsys):
    write_grid(tmp_path, ("lstm", "fdht_lstm"), folds=1, seeds=1, extras=False)
    some = ("--figures", "confusion", "--figures", "learning_curves")
    drawn(tmp_path, tmp_path / "f", *some)
    said = capsys.readouterr().out
    assert "confusion: No predictions of a family in the layout's `confusion`." in said
    assert "learning_curves: No learning curves yet." in said


@pytest.fixture
def looks(tmp_path):
    write_run(tmp_path, record("tt_lstm_authors"), extras=False)
    return gather(tmp_path)


def test_one_colour_per_model_and_marks_that_need_no_colour(looks):
    found = [look(looks, model) for model in looks.layout["models"]]
    assert len({own.colour for own in found}) == len({own.marker for own in found}) == len(found)
    family, variant = look(looks, "tt_lstm"), look(looks, "tt_lstm_authors")
    assert variant.colour not in {own.colour for own in found}
    assert variant.marker == family.marker
    assert variant.dashes != family.dashes


def test_a_mark_means_the_same_in_every_figure(looks):
    """The name of a protocol may be followed by the epoch."""
    shared = (panels.PROTOCOLS, reported.SERIES, factors.SERIES, siblings.SERIES)
    series = [own for looks_of in shared for own in looks_of.values()]
    series += [Look(colour, colour, marker) for marker, colour in itertools.product(cost.MARKERS, cost.COLOURS)]
    series += [look(looks, model) for model in looks.layout["models"]]
    meanings: dict[tuple[str, str, bool], set[str]] = {}
    for own in series:
        meanings.setdefault((own.marker, own.colour.lower(), own.hollow), set()).add(re.split("[:,]", own.label)[0])
    assert [found for found in meanings.values() if len(found) > 1] == []


def test_three_variants_of_a_family_have_lines_of_their_own(tmp_path):
    variants = [f"fdht_lstm_{name}" for name in ("deep", "fixed", "wide")]
    for model in ("fdht_lstm", *variants):
        write_run(tmp_path, record(model), extras=False)
    assert len({look(gather(tmp_path), model).dashes for model in ("fdht_lstm", *variants)}) == 4


def as_deuteranope(colour):
    """How an eye without green cones sees it (Viénot, Brettel and Mollon 1999), as linear RGB."""
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]) ** 2.2
    matrix = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])
    return np.clip(matrix @ channels, 0, 1) ** (1 / 2.2)


def test_the_six_models_stay_apart_for_colour_blind_readers(looks):
    models = ("lstm", "tt_lstm", "tr_lstm", "bt_lstm", "ht_lstm", "fdht_lstm")
    seen = [as_deuteranope(look(looks, model).colour) for model in models]
    distances = [np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]]
    assert min(distances) > 0.12


def test_captions_count_the_runs_and_explain_the_bars(results):
    drawing = FIGURES["accuracy_parameters"].drawing(results)
    assert "mean over n = 3–6 runs" in drawing.text
    assert "Vertical bars: one standard deviation" in drawing.text
    assert "n = 6 runs. Bands: one standard deviation" in FIGURES["learning_curves"].drawing(results).text
    titles = [axes.get_title(loc="left") for axes in drawing.canvas.axes]
    assert titles == [f"demo (generated), pixels: protocol {name}" for name in ("group", "random")]


def test_the_axis_of_weights_is_logarithmic_and_cuts_no_marker(results):
    figure = canvas("accuracy_parameters", results)
    panel = figure.axes[0]
    assert panel.get_xscale() == "log"
    assert "log scale" in figure.get_supxlabel()
    marks = [found.get_offsets()[:, 0] for found in panel.collections if isinstance(found, PathCollection)]
    places = np.concatenate(marks)
    low, high = panel.get_xlim()
    assert low < places.min() / 2
    assert places.max() * 2 < high


def test_models_of_equal_size_stand_side_by_side_close_to_their_size(tmp_path):
    sizes = {"tt_lstm": 265_504, "tr_lstm": 263_719, "bt_lstm": 265_536, "lstm": 59_244_544}
    for model, size in sizes.items():
        write_run(tmp_path, record(model, parameters={"W": size, "U": 0, "bias": 0, "classifier": 0}), extras=False)
    table = accuracy_parameters.table(gather(tmp_path)).set_index("model")
    assert table["weights"].to_dict() == sizes
    decades = np.log10(table["x"] / table["weights"])
    assert decades["lstm"] == 0
    assert sorted(decades.drop("lstm")) == pytest.approx([-0.02, 0, 0.02])


def test_no_mark_is_farther_from_its_size_than_the_caption_says(shipped):
    table = accuracy_parameters.table(shipped).query("weights > 0")
    farthest = 100 * (table["x"] / table["weights"] - 1).abs().max()
    assert 10 < farthest < float(re.search(r"by up to (\d+) %", accuracy_parameters.__doc__)[1]) + 0.5


def test_an_axis_that_starts_above_0_holds_every_mark_and_names_the_baseline_below_it(tmp_path):
    for model, accuracy in (("fdht_lstm", 0.93), ("ht_lstm", 0.97), ("linear", 0.95), ("chance", 0.12)):
        for fold in range(3):
            own = {"test_accuracy": accuracy, "best_epoch_accuracy": accuracy + 0.01}
            write_run(tmp_path, record(model, fold=fold, **own), extras=False)
    (panel,) = canvas("accuracy_parameters", gather(tmp_path)).axes
    low, high = panel.get_ylim()
    assert (low, high > 100) == (90, True)
    assert [line.get_ydata()[0] for line in panel.lines if low <= line.get_ydata()[0]] == [pytest.approx(95)]
    assert "↓ Chance 12 %" in [text.get_text() for text in panel.texts]


def test_more_data_than_a_row_of_panels_holds_go_on_in_the_next(results):
    names = [f"data {number}" for number in range(8)]
    places = itertools.product(names, ("protocol group", "protocol random"))
    data = pd.DataFrame([(*place, 1, "a", "s", 50.0) for place in places if place != ("data 7", "protocol group")])
    data = data.set_axis(["column", "row", "n", "label", "series", "value"], axis=1).assign(low=np.nan, high=np.nan)
    with matplotlib.style.context(STYLE):
        figure = dots.draw(data, {"s": Look("s", "#333333")}, tallest=panels.WHOLE)
    assert len(figure.axes) == 15
    assert [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")] == names
    assert sum(axes.xaxis.get_tick_params()["labelbottom"] for axes in figure.axes) == 7  # 6, and above the gap


@pytest.mark.parametrize("name", ["leakage", "factors"])
def test_two_error_bars_of_one_row_lie_apart(name, shipped):
    figure = canvas(name, shipped)
    segments = [bar.get_segments() for bar in figure.axes[0].collections if isinstance(bar, LineCollection)]
    bars = [round(segment[0][1], 3) for found in segments for segment in found]
    assert len(bars) == len(set(bars)) > 4


@pytest.mark.parametrize(("folds", "bars"), [(1, 0), (2, 3)])
def test_no_interval_of_a_single_fold_is_drawn(tmp_path, folds, bars):
    write_grid(tmp_path, ("ht_lstm",), folds=folds, seeds=6 // folds, dataset="ucf11", extras=False)
    (panel,) = canvas("reported", gather(tmp_path)).axes
    marks = [found for found in panel.collections if isinstance(found, PathCollection)]
    assert [len(found.get_offsets()) for found in marks] == [1, 1, 1, 1]  # reported and three of ours
    segments = [bar.get_segments() for bar in panel.collections if isinstance(bar, LineCollection)]
    assert sum(map(len, segments)) == bars


def test_a_bar_of_one_standard_deviation_ends_at_100(tmp_path):
    for fold, accuracy in enumerate((0.8, 1.0, 1.0)):
        write_run(tmp_path, record(fold=fold, test_accuracy=accuracy), extras=False)
    (row,) = panels.accuracies(gather(tmp_path)).to_dict("records")
    assert row["value"] + 100 * np.std([0.8, 1, 1], ddof=1) > 100
    assert (row["low"], row["high"]) == (pytest.approx(row["value"] - 100 * np.std([0.8, 1, 1], ddof=1)), 100)


def test_fdht_is_drawn_above_the_curves_that_it_covers(shipped):
    assert {models.kind(shipped, model) for model in rank.table(shipped)["model"]}.isdisjoint({"gru", "baseline"})
    for panel in canvas("rank", shipped).axes:
        assert panel.lines[-1].get_color() == look(shipped, "fdht_lstm").colour
        marked = [line.get_markevery() for line in panel.lines if line.get_markevery()]
        assert len(set(marked)) == rank.EVERY


def test_figures_show_what_the_tables_say(results):
    points = canvas("leakage", results).axes[0].collections
    marks = [found for found in points if isinstance(found, PathCollection)]
    table = leakage.build(results)
    table = table[table["measure"] == "test_accuracy"]
    for found, protocol in zip(marks, ("group", "random"), strict=True):
        assert found.get_offsets()[:, 0].tolist() == pytest.approx((100 * table[f"{protocol}_mean"]).tolist())


def test_curves_end_where_the_shortest_run_ended(tmp_path):
    write_run(tmp_path, record(seed=0, epochs=20))
    write_run(tmp_path, record(seed=1, epochs=8))
    panel = canvas("learning_curves", gather(tmp_path)).axes[0]
    assert max(line.get_xdata()[-1] for line in panel.lines) == 8


@pytest.mark.parametrize(
    ("seeds", "said"), [(1, "one run of each model (fold 0, seed 0)."), (2, "n = 2 runs. A curve")]
)
def test_the_caption_of_curves_explains_bands_only_where_there_are_some(tmp_path, seeds, said):
    for seed in range(seeds):
        write_run(tmp_path, record(seed=seed))
    text = FIGURES["learning_curves"].drawing(gather(tmp_path)).text
    assert said in text
    assert "Bands" not in text


def test_lines_that_are_neither_dashed_nor_marked_differ_in_colour(looks):
    dark = [to_rgb(look(looks, model).colour) for model in ("lstm", "gru", "thumbnail_lstm")]
    assert min(np.linalg.norm(np.subtract(*pair)) for pair in itertools.combinations(dark, 2)) > 0.4


def test_text_is_never_smaller_than_six_points():
    pattern = r"^(?:font\.size|.*labelsize|.*titlesize|.*fontsize): ([\d.]+)$"
    sizes = re.findall(pattern, THEME.read_text(), re.MULTILINE)
    assert len(sizes) >= 6
    assert min(map(float, sizes)) >= 6
