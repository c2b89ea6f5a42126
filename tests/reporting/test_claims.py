"""The abstract's claims as checks."""

import pytest
from synthetic_records import record, write_run

from workflow.reporting.results import gather
from workflow.reporting.tables import TABLES, claims


def results(root, levels, folds=6, protocol="group", jitter=0.004, **weights):
    """Runs whose folds have a level in common: level of a model, plus that of the fold, plus a little of its own."""
    fold_levels = (0.0, 0.08, -0.05, 0.03, 0.06, -0.02)
    for place, (model, level) in enumerate(levels.items()):
        for fold in range(folds):
            own = jitter * ((fold * (place + 2)) % 3 - 1)
            accuracy = round(level + fold_levels[fold] + own, 4)
            values = record(model, protocol, fold, dataset="ucf11", test_accuracy=accuracy, **weights)
            write_run(root, values, extras=fold == 0)
    return gather(root)


def rows(table, claim):
    return table[table["claim"] == claim]


def test_sizes_are_checked_against_the_abstract(tmp_path):
    table = claims.build(results(tmp_path, {"fdht_lstm": 0.6}))
    weights = rows(table, "weights").iloc[0]
    assert (weights["expected_low"], weights["expected_high"], weights["found"]) == (3132, 8808, 3648)
    assert weights["verdict"] == "holds"


def test_times_fewer_is_against_what_each_compressed_rival_stores(tmp_path):
    levels = {"tt_lstm": 0.5, "ht_lstm": 0.5, "lstm": 0.5, "fdht_lstm": 0.6}
    table = claims.build(results(tmp_path, levels))
    fewer = rows(table, "times_fewer").set_index("against")
    assert list(fewer.index) == ["tt_lstm", "ht_lstm"]
    assert fewer.loc["tt_lstm", "found"] == pytest.approx((3360 + 262_144) / 3648)
    assert set(zip(fewer["expected_low"], fewer["expected_high"], strict=True)) == {(3985, 10711)}
    assert set(fewer["verdict"]) == {"fails"}
    dense = rows(table, "times_fewer_dense").iloc[0]  # another reading of the claim
    assert dense["found"] == pytest.approx((58_982_400 + 262_144) / 3648)
    assert (dense["against"], dense["verdict"]) == ("dense LSTM", "holds")


def test_times_fewer_holds_from_the_lower_end_of_the_published_range(tmp_path):
    for model, total in (("tt_lstm", 3985 * 4000), ("tr_lstm", 3984 * 4000), ("fdht_lstm", 4000)):
        counts = {"W": total, "U": 0, "bias": 0, "classifier": 0}
        write_run(tmp_path, record(model, dataset="ucf11", parameters=counts))
    found = rows(claims.build(gather(tmp_path)), "times_fewer").set_index("against")
    assert found["verdict"].to_dict() == {"tt_lstm": "holds", "tr_lstm": "fails"}


def test_the_abstract_claims_nothing_under_protocols_of_siblings(tmp_path):
    levels = {"tt_lstm": 0.5, "fdht_lstm": 0.6}
    alone = claims.build(results(tmp_path, levels))
    both = claims.build(results(tmp_path, levels, protocol="siblings_50"))
    assert both.equals(alone), "nor does Holm's correction count them"


def test_every_row_of_sizes_names_its_model(tmp_path):
    sheet = TABLES["claims"].printed(results(tmp_path, {"tt_lstm": 0.5, "fdht_lstm": 0.6}))[0]
    place = [column.key for column in sheet.columns].index("model")
    assert {row[place].text for _, block in sheet.blocks for row in block} == {"FDHT-LSTM"}


def test_fewer_weights_than_claimed_are_few(tmp_path):
    counts = {"W": 2532, "U": 0, "bias": 1024, "classifier": 2056}
    table = claims.build(results(tmp_path, {"fdht_lstm": 0.6}, parameters=counts))
    assert list(rows(table, "weights")["verdict"]) == ["holds"]


def test_data_that_are_not_the_papers_get_no_verdict(tmp_path):
    for model in ("tt_lstm", "fdht_lstm"):
        write_run(tmp_path, record(model, dataset="demo"))
    found = gather(tmp_path)
    assert set(claims.build(found)["verdict"]) == {"no verdict"}
    assert all(claims.OTHERS_NOTE in sheet.notes for sheet in TABLES["claims"].printed(found))


def test_too_many_weights_fail(tmp_path):
    counts = {"W": 9000, "U": 0, "bias": 1024, "classifier": 2056}
    table = claims.build(results(tmp_path, {"fdht_lstm": 0.6}, parameters=counts))
    assert list(rows(table, "weights")["verdict"]) == ["fails"]


def test_better_than_each_rival_by_paired_tests(tmp_path):
    levels = {"tt_lstm": 0.45, "ht_lstm": 0.48, "fdht_lstm": 0.6, "lstm": 0.9, "nearest_neighbour": 0.9}
    found = rows(claims.build(results(tmp_path, levels)), "test_accuracy")
    assert list(found["against"]) == ["tt_lstm", "ht_lstm"]  # neither the dense LSTM nor a baseline is a rival
    assert list(found["verdict"]) == ["holds", "holds"]
    assert (found["p_corrected"] >= found["p"]).all()
    assert claims.overall(list(found["verdict"])) == "holds"


def test_one_better_rival_fails_the_claim(tmp_path):
    found = rows(claims.build(results(tmp_path, {"tt_lstm": 0.45, "ht_lstm": 0.7, "fdht_lstm": 0.6})), "test_accuracy")
    assert list(found["verdict"]) == ["holds", "fails"]
    assert claims.overall(list(found["verdict"])) == "fails"


def test_inside_the_noise_nothing_is_claimed(tmp_path):
    levels = {"tt_lstm": 0.599, "fdht_lstm": 0.6}
    table = claims.build(results(tmp_path, levels, jitter=0.06))
    assert list(rows(table, "test_accuracy")["verdict"]) == ["inconclusive"]


def test_one_fold_is_too_little(tmp_path):
    levels = {"tt_lstm": 0.1, "fdht_lstm": 0.8}
    assert list(rows(claims.build(results(tmp_path, levels, folds=1)), "test_accuracy")["verdict"]) == ["inconclusive"]


def test_as_good_as_the_dense_lstm_takes_a_test_of_equivalence(tmp_path):
    """0.599 and 0.6 are equivalent within 3 points if the folds show it, and inconclusive if they do not."""
    for name, jitter, expected in (("clear", 0.004, "holds"), ("noisy", 0.06, "inconclusive")):
        table = claims.build(results(tmp_path / name, {"lstm": 0.599, "fdht_lstm": 0.6}, jitter=jitter))
        assert list(rows(table, f"test_accuracy{claims.REACHED}")["verdict"]) == [expected]
    table = claims.build(results(tmp_path / "worse", {"lstm": 0.7, "fdht_lstm": 0.6}))
    assert list(rows(table, f"test_accuracy{claims.REACHED}")["verdict"]) == ["fails"]


def test_equivalence_is_no_superiority(tmp_path):
    found = rows(claims.build(results(tmp_path, {"tt_lstm": 0.599, "fdht_lstm": 0.6})), "test_accuracy")
    assert list(found["verdict"]) == ["equivalent"]
    assert claims.overall(found["verdict"]) != "holds"


def test_more_comparisons_raise_the_bar(tmp_path):
    few = claims.build(results(tmp_path / "few", {"tt_lstm": 0.58, "fdht_lstm": 0.6}))
    many = {"tt_lstm": 0.58, "tr_lstm": 0.597, "bt_lstm": 0.599, "ht_lstm": 0.601, "fdht_lstm": 0.6}
    more = rows(claims.build(results(tmp_path / "many", many)), "test_accuracy").set_index("against")
    assert rows(few, "test_accuracy")["p_corrected"].iloc[0] < 1
    assert more.loc["tt_lstm", "p_corrected"] > more.loc["tt_lstm", "p"]


def test_variants_are_compared_with_their_like(tmp_path):
    levels = {"tt_lstm": 0.4, "fdht_lstm": 0.6, "tt_lstm_authors": 0.5, "fdht_lstm_authors": 0.55}
    found = rows(claims.build(results(tmp_path, levels)), "test_accuracy")
    pairs = {("fdht_lstm", "tt_lstm"), ("fdht_lstm_authors", "tt_lstm_authors")}
    assert set(zip(found["model"], found["against"], strict=True)) == pairs


def test_a_variant_is_held_against_the_rivals_with_its_recipe(tmp_path):
    levels = {"tt_lstm": 0.5, "tt_lstm_authors": 0.5, "ht_lstm": 0.5}
    table = claims.build(results(tmp_path, levels | {"fdht_lstm_deep": 0.6, "fdht_lstm_authors": 0.6}))
    for claim in ("test_accuracy", "best_epoch_accuracy", "times_fewer"):
        found = rows(table, claim)
        assert set(zip(found["model"], found["against"], strict=True)) == {
            ("fdht_lstm_deep", "tt_lstm"),
            ("fdht_lstm_deep", "ht_lstm"),
            ("fdht_lstm_authors", "tt_lstm_authors"),
        }


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], "not run"),
        (["not run", "not run"], "not run"),
        (["holds", "not run"], "inconclusive"),
        (["holds", "inconclusive"], "inconclusive"),
        (["holds", "fails", "inconclusive"], "fails"),
        (["holds", "holds"], "holds"),
    ],
)
def test_a_claim_about_every_rival(verdicts, expected):
    assert claims.overall(verdicts) == expected


def test_without_records_there_is_nothing_to_check(tmp_path):
    assert claims.build(gather(tmp_path)).empty
    assert TABLES["claims"].printed(gather(tmp_path)) == []
