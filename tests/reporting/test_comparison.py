"""Verdicts, and the table of reported and reproduced numbers."""

import math

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats
from synthetic_records import record, write_grid, write_leakage, write_run

from workflow.reporting import models, reported, verdict
from workflow.reporting.results import gather
from workflow.reporting.statistics import Interval, interval
from workflow.reporting.tables import TABLES, comparison


def accuracy(mean, std, folds=5):
    """Folds of the given mean and standard deviation."""
    values = np.linspace(-1, 1, folds)
    values = mean + std * values / values.std(ddof=1) if folds > 1 else np.array([mean])
    return interval(pd.Series(values, pd.Index(range(folds), name="fold")), 1 / 4)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (accuracy(0.87, 0.02), "match"),
        (accuracy(0.88, 0.02), "match"),
        (accuracy(0.75, 0.02), "differs"),
        (accuracy(0.99, 0.005), "differs"),
        (accuracy(0.87, 0.06), "inconclusive"),  # too wide for a match
        (accuracy(0.83, 0.03), "inconclusive"),
        (accuracy(0.87, 0.0, folds=1), "inconclusive"),
        (accuracy(0.87, 0.001, folds=2), "match"),
        (Interval(math.nan), "not run"),
    ],
)
def test_verdicts_on_an_accuracy(found, expected):
    assert verdict.of_accuracy(0.87, 320, 4, found)[0] == expected


def test_the_verdict_is_that_of_two_one_sided_tests():
    """Against scipy, at the largest standard deviation that is still a match."""
    binomial = math.sqrt(0.87 * 0.13 / 320)
    for std in (0.02, 0.03, 0.031, 0.032, 0.033, 0.04):
        found = accuracy(0.87, std)
        own, theirs = std**2 * (1 / 5 + 1 / 4), max(binomial**2, found.std**2)
        freedom = (own + theirs) ** 2 / (own**2 / 4)
        p = stats.t.cdf(-4 * binomial / math.sqrt(own + theirs), freedom)
        assert (verdict.of_accuracy(0.87, 320, 4, found)[0] == "match") == (p <= 0.05)
    assert p > 0.05


def test_fewer_test_clips_allow_a_wider_margin():
    assert verdict.margin(0.87, 320, 4) == pytest.approx(4 * math.sqrt(0.87 * 0.13 / 320))
    found = accuracy(0.78, 0.02)
    assert [verdict.of_accuracy(0.87, clips, 4, found)[0] for clips in (1600, 50)] == ["differs", "match"]


def test_a_reason_says_what_is_missing():
    assert verdict.of_accuracy(0.87, 320, 4, accuracy(0.9, 0.01, folds=1))[1].endswith("at least 2 folds are needed")
    assert verdict.of_accuracy(0.87, 320, 4, accuracy(0.87, 0.06))[1].endswith("more folds are needed")


def test_an_unknown_value_is_not_reported_whatever_was_found():
    assert verdict.of_accuracy(math.nan, 320, 4, accuracy(0.8, 0.01))[0] == "not reported"
    assert verdict.of_count("W", math.nan, 1.0, 5.0)[0] == "not reported"


@pytest.mark.parametrize(
    ("metric", "value", "step", "ours", "expected"),
    [
        ("W", 3360, 1, 3360, "match"),
        ("W", 3360, 1, 3361, "differs"),
        ("W", 3360, 1, 3000, "differs"),
        ("ratio_W", 17554, 1, 17554.29, "match"),
        ("ratio_W", 17388, 1, 17388.7, "match"),  # the source cuts, it does not round
        ("ratio_W", 17388, 1, 20000, "differs"),
        ("weights", 268000, 1000, 268320, "match"),
        ("weights", 268000, 1000, 265504, "differs"),
        ("W", 3360, 1, None, "not run"),
    ],
)
def test_verdicts_on_a_count(metric, value, step, ours, expected):
    assert verdict.of_count(metric, value, step, ours)[0] == expected


@pytest.mark.parametrize(("metric", "ours"), [("W", 3000), ("weights", 3000), ("ratio_W", 4000)])
def test_a_count_that_differs_says_which_model_is_smaller(metric, ours):
    assert verdict.of_count(metric, 3360, 1, ours) == ("differs", "fewer weights")
    assert verdict.of_count(metric, 3360, 1, 2 * 3360 - ours) == ("differs", "more weights")


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
        ("inception_v3", "differs"): 3,  # likewise
        ("pixels", "match"): 8,  # five by our recipe, three by their authors'
    }


@pytest.fixture(scope="module")
def ucf11(tmp_path_factory):
    root = write_grid(tmp_path_factory.mktemp("ucf11"), ("lstm", "tt_lstm", "fdht_lstm"), dataset="ucf11", folds=3)
    return comparison.build(gather(root))


def test_a_reported_accuracy_is_met_at_its_own_epoch(tmp_path):
    selections = {"tt_lstm": "final", "bt_lstm": "best_test", "tr_lstm": "validation", "ht_lstm": "unknown"}
    write_grid(tmp_path, tuple(selections), dataset="ucf11")
    own = pd.read_csv(reported.FILE, dtype=str, keep_default_na=False)
    own.loc[own["metric"] == "accuracy", "selection"] = own["model"].map(selections).fillna("unknown")
    own.to_csv(tmp_path / "own.csv", index=False)
    table = comparison.build(gather(tmp_path, reported=tmp_path / "own.csv"))
    table = table[(table["metric"] == "accuracy") & (table["model"].isin(list(selections)))]
    views = table[table["protocol"] == "random"].groupby("model")["measure"].unique().map(list).to_dict()
    assert views == {
        "tt_lstm": ["final_epoch_accuracy"],
        "bt_lstm": ["best_epoch_accuracy"],
        "tr_lstm": ["test_accuracy"],
        "ht_lstm": ["final_epoch_accuracy", "best_epoch_accuracy"],
    }
    assert set(table[table["protocol"] == "group"]["measure"]) == {"test_accuracy"}


def test_the_difference_the_margin_and_the_test_part_of_a_reported_accuracy(ucf11):
    rows = ucf11[(ucf11["model"] == "lstm") & (ucf11["metric"] == "accuracy") & (ucf11["n"] > 0)]
    assert set(rows["reported"]) == {0.697}
    assert (rows["difference"] - (rows["reproduced"] - rows["reported"])).abs().max() < 1e-12
    assert set(rows["n_test"]) == {320}  # a fifth of 1,600 clips
    assert rows["margin"].unique() == pytest.approx(4 * math.sqrt(0.697 * 0.303 / 320))


def test_published_parameter_counts_are_matched(ucf11):
    counts = ucf11[(ucf11["measure"] == "") & ucf11["reported"].notna()]
    ours = counts[counts["model"].isin(["lstm", "tt_lstm"])]
    assert set(ours["verdict"]) == {"match"}
    assert set(ours["metric"]) == {"W", "U", "weights", "ratio_W"}


def test_models_of_the_paper_that_were_not_run_are_rows(ucf11):
    rows = ucf11[(ucf11["model"] == "ht_lstm") & (ucf11["metric"] == "accuracy")]
    assert set(rows["verdict"]) == {"not run"}
    assert "youtube_celebrities" not in set(ucf11["dataset"])


def test_what_nobody_reported_is_a_row_too(ucf11):
    rows = ucf11[(ucf11["model"] == "fdht_lstm") & (ucf11["metric"] == "accuracy")]
    assert set(rows["verdict"]) == {"not reported"}
    assert rows.loc[rows["measure"] != "final_epoch_accuracy", "reproduced"].notna().all()


def test_a_variant_is_held_beside_its_models_value(tmp_path):
    write_run(tmp_path, record("tt_lstm_authors", "random", dataset="ucf11"))
    rows = comparison.build(gather(tmp_path))
    assert set(rows[rows["metric"] == "accuracy"]["reported"]) >= {0.796}
    assert "tt_lstm" not in set(rows["model"])


def test_derived_values_are_called_derived_in_print(tmp_path):
    write_run(tmp_path, record("tt_lstm", "random", dataset="ucf11"))
    sheet = TABLES["comparison"].printed(gather(tmp_path))[1]  # after the accuracies
    assert not {"interval", "folds"} & {column.key for column in sheet.columns}
    texts = [row[0].text for title, rows in sheet.blocks if title.startswith("Input-to-hidden") for row in rows]
    assert "TT-LSTM (derived)" in texts
    assert any(note.startswith("Derived (W): sum of") for note in sheet.notes)


@pytest.mark.parametrize("splits", [True, False])
def test_the_closest_view_says_how_it_differs_from_the_published_protocol(tmp_path, splits):
    write_run(tmp_path, record("tt_lstm", "random", dataset="ucf11"))
    if splits:
        write_leakage(tmp_path, "ucf11")  # 160 of 240 clips are trained on
    notes = TABLES["comparison"].printed(gather(tmp_path))[0].notes
    note = "Our models train on 66.7 % of the clips under random, the published implementations on 80 %."
    assert (note in notes) == splits
    assert splits or not any("Our models train" in other for other in notes)


def test_on_a_part_of_the_set_only_what_was_run_has_no_verdict(tmp_path):
    model = {"format": "tensor_train", "input_modes": [8, 20, 20, 18], "output_modes": [4, 4, 4, 4], "ranks": 4}
    config = {
        "name": "part",
        "datasets": {"ucf11": {"partial": True}},
        "models": {"tt_lstm": model | {"hidden_size": 256}},
    }
    (tmp_path / "part.yaml").write_text(yaml.safe_dump(config))
    write_run(tmp_path, record("tt_lstm", "group", dataset="ucf11"), extras=False)
    rows = comparison.build(gather(tmp_path, tmp_path / "part.yaml"))
    rows = rows[(rows["metric"] == "accuracy") & (rows["model"] == "tt_lstm")].set_index("protocol")
    assert rows["verdict"].to_dict() == {"random": "not run", "group": "part of the set"}


def test_a_model_of_other_protocols_has_no_accuracy_to_compare(tmp_path):
    write_run(tmp_path, record("tt_lstm", "random", dataset="ucf11"), extras=False)
    write_run(tmp_path, record("tt_lstm_fixed", "siblings_50", family="tt_lstm", dataset="ucf11"), extras=False)
    rows = comparison.build(gather(tmp_path))
    compared = set(rows.loc[rows["metric"] == "accuracy", "model"])
    assert compared & {"tt_lstm", "tt_lstm_fixed"} == {"tt_lstm"}
    assert "tt_lstm_fixed" in set(rows.loc[rows["metric"] == "W", "model"])


def test_a_model_of_its_own_family_is_not_judged_by_its_name(tmp_path):
    for model, family in (("lstm_big", "lstm_big"), ("lstm_large", "lstm")):
        write_run(tmp_path, record(model, "random", dataset="ucf11", family=family))
    rows = comparison.build(gather(tmp_path))
    values = rows[rows["metric"] == "accuracy"].groupby("model")["reported"].first()
    assert values["lstm_large"] == 0.697
    assert math.isnan(values["lstm_big"])
