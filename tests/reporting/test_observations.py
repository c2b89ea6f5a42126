"""Copies are no observations: the seed does not enter a fitted baseline."""

import numpy as np
import pytest
from scipy import stats
from synthetic_records import record, write_leakage, write_run

from workflow.reporting import models, statistics
from workflow.reporting.results import gather
from workflow.reporting.statistics import compare
from workflow.reporting.tables import TABLES, accuracy, comparison, leakage

FOLDS = {"group": (0.15, 0.17), "random": (0.70, 0.76)}


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """Two fitted baselines and an LSTM with the same accuracies, each fold the same value for all three seeds."""
    root = tmp_path_factory.mktemp("copied")
    for model, gain in (("nearest_neighbour", 0.0), ("linear", 0.1), ("lstm", 0.0)):
        for protocol, values in FOLDS.items():
            for fold, value in enumerate(values):
                for seed in range(3):
                    found = dict.fromkeys(("test_accuracy", "best_epoch_accuracy"), round(value + fold * gain, 4))
                    write_run(root, record(model, protocol, fold, seed, **found))
    return gather(root)


def test_a_fitted_baseline_counts_its_folds_and_a_trained_model_its_runs(copied):
    table = accuracy.build(copied).set_index(["model", "protocol"])
    assert table.loc[("nearest_neighbour", "group"), "n"] == 2
    assert table.loc[("lstm", "group"), "n"] == 6
    assert table.loc[("nearest_neighbour", "group"), "test_accuracy_std"] == pytest.approx(np.std((0.15, 0.17), ddof=1))
    printed = {row[0].text: row[2].text for _, rows in TABLES["accuracy"].printed(copied)[0].blocks for row in rows}
    assert printed["Nearest neighbour"] == "2"  # and not "2 of 6"


@pytest.mark.parametrize("model", ["nearest_neighbour", "lstm"])
def test_the_interval_of_the_difference_rests_on_folds(copied, model):
    table = leakage.build(copied)
    row = table[(table["model"] == model) & (table["measure"] == "test_accuracy")].iloc[0]
    assert (row["folds_group"], row["folds_random"]) == (2, 2)
    variances = [
        np.var(FOLDS[name], ddof=1) * (1 / 2 + 1) for name in ("random", "group")
    ]  # without sizes: 1 / (k - 1)
    freedom = sum(variances) ** 2 / sum(value**2 for value in variances)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(sum(variances))
    assert (row["low"], row["high"]) == pytest.approx((0.57 - half, min(1, 0.57 + half)))


def test_models_are_paired_by_fold(copied):
    block = "demo", "pixels", "group"
    for first in ("linear", "lstm"):
        found = compare(copied, "test_accuracy", first, "nearest_neighbour", *block)
        assert found.folds == 2
        assert found.mean == pytest.approx(0.05 if first == "linear" else 0)


def test_a_fitted_baseline_of_one_seed_is_compared_with_all_seeds(tmp_path):
    for fold in (0, 1):
        write_run(tmp_path, record("linear", "group", fold, test_accuracy=0.5))
        for seed, value in enumerate((0.5, 0.6, 0.7)):
            write_run(tmp_path, record("lstm", "group", fold, seed, test_accuracy=value + fold / 10))
    found = compare(gather(tmp_path), "test_accuracy", "lstm", "linear", "demo", "pixels", "group")
    assert found.mean == pytest.approx(0.15)  # of seed 0 alone, 0.05


def test_sizes_of_the_parts_give_correction_and_step(tmp_path):
    for fold, value in enumerate((0.5, 0.6)):
        write_run(tmp_path, record("lstm", "group", fold, test_accuracy=value))
    write_leakage(tmp_path)  # 160 clips train, 48 test
    found = statistics.summary(gather(tmp_path), "test_accuracy", "demo", "pixels", "lstm", "group")
    assert found.error == pytest.approx(np.std((0.5, 0.6), ddof=1) * np.sqrt(1 / 2 + 48 / 160))


def test_what_is_missing_is_counted_in_folds(tmp_path):
    for fold, seed in ((0, 0), (0, 1), (1, 0)):
        write_run(tmp_path, record("chance", "group", fold, seed, test_accuracy=0.1))
    found = gather(tmp_path)
    setting = "demo", "pixels", "chance", "group"
    assert statistics.summary(found, "test_accuracy", *setting).n == 2
    assert statistics.expected(found, *setting) == 2


def test_without_a_specification_the_family_decides(tmp_path):
    write_run(tmp_path, record("linear"), extras=False)
    write_run(tmp_path, record("thumbnail_lstm"), extras=False)
    found = gather(tmp_path)
    assert models.is_fitted(found, "demo", "pixels", "linear")
    assert not models.is_fitted(found, "demo", "pixels", "thumbnail_lstm")  # it is trained


def test_comparison_counts_as_the_accuracy_table_does(copied):
    found = comparison.build(copied).set_index(["model", "protocol", "measure"])
    assert found.loc[("lstm", "group", "test_accuracy"), ["n", "folds"]].to_list() == [6, 2]
