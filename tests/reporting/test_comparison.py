"""Verdicts, and the table of reported and reproduced numbers."""

import math

import pytest
from synthetic_records import record, write_grid, write_leakage, write_run

from workflow.reporting import models, verdict
from workflow.reporting.results import gather
from workflow.reporting.statistics import Interval
from workflow.reporting.tables import TABLES, comparison


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
        ("ratio_W", 17388, 1, 17388.7, "match"),  # the source cuts, it does not round
        ("ratio_W", 17388, 1, 20000, "better"),
        ("weights", 268000, 1000, 268320, "match"),
        ("weights", 268000, 1000, 265504, "better"),
        ("W", 3360, 1, None, "not run"),
    ],
)
def test_verdicts_on_a_count(metric, value, step, ours, expected):
    assert verdict.of_count(metric, value, step, ours)[0] == expected


def test_a_total_is_counted_as_its_source_counts(tmp_path):
    """With the classifier of the whole set, though the records are of 9 of its 11 classes."""
    parameters = {"W": 3360, "U": 262_144, "bias": 1024, "classifier": 257 * 9}
    write_run(tmp_path, record("tt_lstm", "random", dataset="ucf11", parameters=parameters))
    place = gather(tmp_path), "ucf11", "pixels", "tt_lstm"
    assert models.total(*place, "W + U + classifier weights") == 3360 + 262_144 + 256 * 11
    assert models.total(*place, "W + U + 2 biases") == 3360 + 262_144 + 2 * 1024
    assert models.total(*place, "W + U + something") is None


def test_totals_of_the_configuration_have_the_verdicts_of_their_sources():
    totals = comparison.build(gather(None, "config/paper.yaml"))
    totals = totals[totals["metric"] == "weights"]
    assert totals.groupby("front_end")["counts"].unique().map(list).to_dict() == {
        "inception_v3": ["W + U + 2 biases"],
        "pixels": ["W + U + classifier weights"],
    }
    assert totals.groupby(["front_end", "verdict"]).size().to_dict() == {
        ("inception_v3", "match"): 3,  # two by our recipe, one by its authors'
        ("inception_v3", "worse"): 3,  # likewise
        ("pixels", "match"): 8,  # five by our recipe, three by their authors'
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
    sheet = TABLES["comparison"].printed(gather(tmp_path))[1]  # after the accuracies
    assert not {"interval", "n"} & {column.key for column in sheet.columns}
    texts = [row[0].text for title, rows in sheet.blocks if title.startswith("Input-to-hidden") for row in rows]
    assert "TT-LSTM (derived)" in texts
    assert any(note.startswith("Derived (W): sum of") for note in sheet.notes)


@pytest.mark.parametrize(("splits", "share"), [(True, "66.7"), (False, "—")])
def test_the_closest_view_says_how_it_differs_from_the_published_protocol(tmp_path, splits, share):
    write_run(tmp_path, record("tt_lstm", "random", dataset="ucf11"))
    if splits:
        write_leakage(tmp_path, "ucf11")  # 160 of 240 clips are trained on
    note = TABLES["comparison"].printed(gather(tmp_path))[0].notes[1]
    assert f"our models train on {share} % of the clips, the published implementations on 80 %" in note


def test_a_model_of_its_own_family_is_not_judged_by_its_name(tmp_path):
    for model, family in (("lstm_big", "lstm_big"), ("lstm_large", "lstm")):
        write_run(tmp_path, record(model, "random", dataset="ucf11", family=family))
    rows = comparison.build(gather(tmp_path))
    reported = rows[rows["metric"] == "accuracy"].groupby("model")["reported"].first()
    assert reported["lstm_large"] == 0.697
    assert math.isnan(reported["lstm_big"])
