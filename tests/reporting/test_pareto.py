"""Accuracy from rank to rank: the configuration's counts, and the front by its definition."""

import re

import pytest
import yaml
from synthetic_records import SHAPES, record, write_run

import baselines
from baselines._format import Format
from fdht.network import Core, Network
from workflow.datasets.catalogue import CATALOGUE
from workflow.experiments import configuration_file, grid
from workflow.reporting import statistics
from workflow.reporting.figures import FIGURES, pareto
from workflow.reporting.figures.rank import sweep
from workflow.reporting.records import EXPERIMENT
from workflow.reporting.results import gather


def test_the_comments_of_the_configuration_count_the_weights(root):
    path = root / "config" / "ranks.yaml"
    commented = re.findall(r"^  (\w+_rank_\d+): .*# ([\d,]+)$", path.read_text(), re.MULTILINE)
    runs = {run.model: run for run in grid.runs(configuration_file.load(path))}
    assert set(runs) == {model for model, _ in commented}
    classes = len(CATALOGUE["ucf11"].classes)
    for model, count in commented:
        found = runs[model].parameters(classes)
        assert found["W"] == int(count.replace(",", "")), model
        assert found["U"] == (0 if model.startswith("fdht") else 262_144)
    for family in {run.family for run in runs.values()}:
        assert 4 <= len({run.recurrent["ranks"] for run in runs.values() if run.family == family}) <= 6


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """Two formats at three ranks and a third at two, which makes no line."""
    root = tmp_path_factory.mktemp("ranks")
    sizes = {"ht_lstm": (100, 200, 300), "fdht_lstm": (150, 250, 350), "tt_lstm": (50, 400)}
    accuracies = {"ht_lstm": (0.3, 0.5, 0.4), "fdht_lstm": (0.4, 0.45, 0.6), "tt_lstm": (0.9, 0.9)}
    for family in sizes:
        for rank, (W, accuracy) in enumerate(zip(sizes[family], accuracies[family], strict=True), start=1):
            parameters = {"W": W, "U": 0, "bias": 0, "classifier": 0}
            values = {"family": family, "test_accuracy": accuracy, "parameters": parameters}
            folder = write_run(root, record(f"{family}_rank_{rank}", **values))
            recurrent = {**SHAPES[family], "hidden_size": 256, "input_size": 57600}
            recurrent = {key: value for key, value in recurrent.items() if "rank" not in key} | {"ranks": rank}
            (folder / "specification.yaml").write_text(yaml.safe_dump({"recurrent": recurrent}))
    return gather(root)


def test_the_front_holds_the_models_that_no_smaller_one_reaches(ranks):
    table = pareto.table(ranks)
    assert len(table) == 2 * 6  # two quantities; without TT-LSTM, which has two ranks
    table = table[table["quantity"] == "weights"]
    points = list(zip(table["number"], table["value"], strict=True))
    wanted = [all(size >= own or value < accuracy for size, value in points) for own, accuracy in points]
    assert table["front"].tolist() == wanted == [True, True, True, False, False, True]


def test_the_figure_has_a_line_per_shape_and_the_front(ranks):
    canvas = FIGURES["pareto"].drawing(ranks).canvas
    assert [axes.get_title(loc="left").split("\n")[-1] for axes in canvas.axes] == list(pareto.QUANTITIES.values())
    front, *lines = canvas.axes[0].lines
    assert front.get_xdata().tolist() == [100, 150, 200, 350]
    assert sorted(len(line.get_xdata()) for line in lines) == [3, 3]
    labels = [text.get_text() for text in canvas.legends[0].get_texts()]
    assert labels == ["HT-LSTM, 8×10×10×9×8", "FDHT-LSTM, 9×10×10×9×8"]


def test_the_caption_says_how_far_the_runs_of_a_mark_differ(ranks, shipped):
    assert "front of the means, not a test. The" in FIGURES["pareto"].drawing(ranks).text  # of one run each
    text = FIGURES["pareto"].drawing(shipped).text
    means = [statistics.summary(shipped, "test_accuracy", *row) for row in pareto.table(shipped)[EXPERIMENT].to_numpy()]
    assert f"to {100 * max(found.std for found in means):.1f} points under group. The" in text


def test_without_three_ranks_of_a_shape_there_is_no_line(results):
    assert FIGURES["pareto"].drawing(results) == (None, pareto.EMPTY)


@pytest.mark.parametrize("arguments", [{"format": "fully_decomposed"}, {"format": "low_rank"}])
def test_a_format_without_modes_or_with_a_single_rank_has_a_line_and_a_curve(tmp_path, monkeypatch, arguments):
    def declare(input_size: int, hidden_size: int, rank: int) -> Network:  # the format that docs/extending.md shows
        cores = Core("A", ("m1", "r"), (4 * hidden_size, rank)), Core("B", ("r", "n1"), (rank, input_size))
        return Network((input_size,), (4 * hidden_size,), cores)

    monkeypatch.setitem(baselines.FORMATS, "low_rank", Format("low_rank", __name__, declare))
    recurrent = {**arguments, "hidden_size": 8, "input_size": 60}
    name = "rank" if arguments["format"] == "low_rank" else "ranks"
    for size in (1, 2, 3):
        parameters = {"W": 100 * size, "U": 0, "bias": 0, "classifier": 0}
        folder = write_run(tmp_path, record(f"own_{size}", family="own", parameters=parameters))
        (folder / "specification.yaml").write_text(yaml.safe_dump({"recurrent": recurrent | {name: size}}))
    assert set(pareto.table(gather(tmp_path))["shape"]) == {"own"}
    assert {1, 2, 3} <= set(sweep(recurrent | {name: 1}))
