"""Verdicts, and the table that holds published numbers beside ours."""

import math
from pathlib import Path

import pytest
import yaml
from synthetic_records import record, write_grid, write_leakage, write_run

from workflow.reporting import conventions, habit, reported, verdict
from workflow.reporting import layout as layouts
from workflow.reporting.grid import configuration_of
from workflow.reporting.records import frame
from workflow.reporting.results import Results, gather
from workflow.reporting.statistics import Interval
from workflow.reporting.tables import comparison


def found(mean, half, n=5):
    return Interval(mean, 0.01, mean - half, mean + half, n)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (found(0.800, 0.008), "match"),
        (found(0.805, 0.005), "match"),  # the interval touches the tolerance
        (found(0.850, 0.020), "better"),
        (found(0.750, 0.020), "worse"),
        (found(0.820, 0.050), "inconclusive"),  # the interval holds the reported value
        (found(0.808, 0.006), "inconclusive"),  # significantly above, but not by more than the tolerance
        (found(0.850, 0.020, n=2), "inconclusive"),  # too few runs
        (Interval(math.nan, math.nan, math.nan, math.nan, 0), "not run"),
    ],
)
def test_verdicts_on_an_accuracy(values, expected):
    assert verdict.of_accuracy(0.8, values, tolerance=0.01)[0] == expected


def test_an_unknown_value_is_not_reported_whatever_was_found():
    assert verdict.of_accuracy(math.nan, found(0.8, 0.01), 0.01)[0] == "not reported"
    assert verdict.of_count("W", math.nan, 1.0, 5.0)[0] == "not reported"


@pytest.mark.parametrize(
    ("metric", "value", "step", "ours", "expected"),
    [
        ("W", 3360, 1, 3360, "match"),
        ("W", 3360, 1, 3361, "worse"),
        ("W", 3360, 1, 3000, "better"),
        ("ratio_W", 17554, 1, 17554.29, "match"),
        ("ratio_W", 17388, 1, 17388.7, "match"),  # published cut, not rounded
        ("ratio_W", 17388, 1, 20000, "better"),
        ("weights", 268000, 1000, 268320, "match"),
        ("weights", 268000, 1000, 265504, "better"),
        ("W", 3360, 1, None, "not run"),
    ],
)
def test_verdicts_on_a_count(metric, value, step, ours, expected):
    assert verdict.of_count(metric, value, step, ours)[0] == expected


def total(value, source="a README"):
    return {"metric": "weights", "value": value, "step": 1000.0, "source": source}


def test_all_totals_of_a_source_are_counted_alike(tmp_path):
    """The total of TR-LSTM would match with both biases, but those of the other rows say that the classifier counts."""
    counts = {
        "tt_lstm": (3360, 268000),
        "ht_lstm": (1245, 266000),
        "tr_lstm": (1725, 266000),
        "bt_lstm": (3392, 268500),
    }
    for model, (W, _) in counts.items():
        parameters = {"W": W, "U": 262_144, "bias": 1024, "classifier": 257 * 9}  # 9 of 11 classes
        write_run(tmp_path, record(model, "random", dataset="ucf11", parameters=parameters))
    results = gather(tmp_path)
    rows = [(("ucf11", "pixels", model), total(value)) for model, (_, value) in counts.items()]
    convention = conventions.of_source(results, rows)
    assert convention == "W + U and the classifier's weights"
    found = {model: conventions.totals(results, "ucf11", "pixels", model)[convention] for model in counts}
    assert found["tt_lstm"] == 3360 + 262_144 + 256 * 11  # the classifier of the whole set
    assert not conventions.equal(found["tr_lstm"], rows[2][1])  # though with both biases it would be


def test_the_totals_of_the_readme_agree_by_one_convention(tmp_path):
    for model in ("lstm", "tt_lstm", "bt_lstm", "tr_lstm", "ht_lstm"):
        write_run(tmp_path, record(model, "random", dataset="ucf11"))
    table = comparison.build(gather(tmp_path))
    totals = table[table["metric"] == "weights"]
    assert set(totals["verdict"]) == {"match"}
    assert set(totals["counted"]) == {"W + U and the classifier's weights"}
    assert totals.set_index("model").loc["tt_lstm", "reproduced"] == 268_320


def test_a_convention_does_not_depend_on_what_else_is_in_the_configuration():
    """Pixels and features are counted apart, each alike over all data sets and models."""
    config = configuration_of(".", "config/paper.yaml")
    found = Results(Path(), frame([]), layouts.load(), config, reported.load())
    totals = comparison.build(found)
    totals = totals[totals["metric"] == "weights"]
    assert totals.groupby("front_end")["counted"].unique().map(list).to_dict() == {
        "inception_v3": ["W + U and both of PyTorch's biases"],
        "pixels": ["W + U and the classifier's weights"],
    }
    assert totals.groupby(["front_end", "verdict"]).size().to_dict() == {
        ("inception_v3", "match"): 2,
        ("inception_v3", "worse"): 2,
        ("pixels", "match"): 5,
    }


@pytest.fixture(scope="module")
def ucf11(tmp_path_factory):
    root = write_grid(tmp_path_factory.mktemp("ucf11"), ("lstm", "tt_lstm", "fdht_lstm"), dataset="ucf11", folds=3)
    return comparison.build(gather(root))


def test_every_view_of_an_accuracy_is_labelled(ucf11):
    rows = ucf11[(ucf11["model"] == "tt_lstm") & (ucf11["metric"] == "accuracy")]
    assert [tuple(row) for row in rows[["protocol", "measure"]].to_numpy()] == [
        ("random", "best_epoch_accuracy"),
        ("random", "test_accuracy"),
        ("group", "test_accuracy"),
    ]
    assert set(rows["reported"]) == {0.796}
    assert (rows["difference"] - (rows["reproduced"] - rows["reported"])).abs().max() < 1e-12


def test_published_parameter_counts_are_matched(ucf11):
    counts = ucf11[(ucf11["measure"] == "") & ucf11["reported"].notna()]
    ours = counts[counts["model"].isin(["lstm", "tt_lstm"])]
    assert set(ours["verdict"]) == {"match"}
    assert set(ours["metric"]) == {"W", "U", "weights", "ratio_W"}


def test_models_of_the_paper_that_were_not_run_are_rows(ucf11):
    rows = ucf11[(ucf11["model"] == "ht_lstm") & (ucf11["metric"] == "accuracy")]
    assert list(rows["verdict"]) == ["not run"]
    assert "youtube_celebrities" not in set(ucf11["dataset"])


def test_what_nobody_reported_is_a_row_too(ucf11):
    rows = ucf11[(ucf11["model"] == "fdht_lstm") & (ucf11["metric"] == "accuracy")]
    assert set(rows["verdict"]) == {"not reported"}
    assert rows["reproduced"].notna().all()


def test_a_variant_is_held_beside_its_models_value(tmp_path):
    write_run(tmp_path, record("tt_lstm_authors", "random", dataset="ucf11"))
    rows = comparison.build(gather(tmp_path))
    assert set(rows[rows["metric"] == "accuracy"]["reported"]) >= {0.796}
    assert "tt_lstm" not in set(rows["model"])


def test_derived_values_are_called_derived_in_print(tmp_path):
    write_run(tmp_path, record("tt_lstm", "random", dataset="ucf11"))
    sheet = comparison.sheets(gather(tmp_path))[1]  # after the accuracies
    assert not {"interval", "n"} & {column.key for column in sheet.columns}
    texts = [row[0].text for title, rows in sheet.blocks if title.startswith("Input-to-hidden") for row in rows]
    assert "TT-LSTM (derived)" in texts
    assert any(note.startswith("Derived (W): sum of") for note in sheet.notes)


def test_the_nearest_view_says_what_keeps_it_from_being_like_for_like(tmp_path):
    for model, patience in (("tt_lstm", 30), ("lstm", None)):
        folder = write_run(tmp_path, record(model, "random", dataset="ucf11"))
        specification = yaml.safe_load((folder / "specification.yaml").read_text())
        specification["training"]["patience"] = patience
        (folder / "specification.yaml").write_text(yaml.safe_dump(specification))
    write_leakage(tmp_path, "ucf11")  # 160 of 240 clips are trained on
    results = gather(tmp_path)
    sheet = comparison.sheets(results)[0]
    assert not [title for title, _ in sheet.blocks if "like for like" in title.lower()]
    note = next(note for note in sheet.notes if "not like for like" in note)
    assert "train on 66.7 % of the clips; the published codes train on 80 %" in note
    assert "ends after 30 epochs without a better validation accuracy" in note


def test_without_early_stopping_only_the_validation_part_is_between(tmp_path):
    write_run(tmp_path, record("tt_lstm", "random", dataset="ucf11"))
    said = habit.deviations(gather(tmp_path), ["ucf11"])
    assert len(said) == 1
    assert "train on fewer clips" in said[0]
