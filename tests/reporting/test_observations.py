"""Copies are no observations: the seed does not enter a fitted baseline."""

import numpy as np
import pytest
from scipy import stats
from synthetic_records import record, write_run

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
    assert table.loc[("lstm", "group"), "n"] == 6  # trained runs that agree are still several
    assert table.loc[("nearest_neighbour", "group"), "test_accuracy_std"] == pytest.approx(np.std((0.15, 0.17), ddof=1))
    printed = {row[0].text: row[2].text for _, rows in TABLES["accuracy"].printed(copied)[0].blocks for row in rows}
    assert printed["Nearest neighbour"] == "2"  # and not "2 of 6"


def test_the_interval_of_the_difference_rests_on_folds(copied):
    table = leakage.build(copied)
    row = table[(table["model"] == "nearest_neighbour") & (table["measure"] == "test_accuracy")].iloc[0]
    assert (row["n_group"], row["n_random"]) == (2, 2)
    variances = [np.var(FOLDS[name], ddof=1) * (1 / 2 + 1) for name in ("random", "group")]  # overlap: 1 / (k - 1)
    freedom = sum(variances) ** 2 / sum(value**2 for value in variances)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(sum(variances))
    assert (row["low"], row["high"]) == pytest.approx((0.57 - half, 0.57 + half))


def test_two_fitted_baselines_are_paired_once_a_fold(copied):
    block = "demo", "pixels", "group"
    assert compare(copied, "test_accuracy", "linear", "nearest_neighbour", *block).n == 2
    assert compare(copied, "test_accuracy", "lstm", "nearest_neighbour", *block).n == 6


def test_what_is_missing_is_counted_in_folds(tmp_path):
    for fold, seed in ((0, 0), (0, 1), (1, 0)):
        write_run(tmp_path, record("chance", "group", fold, seed, test_accuracy=0.1))
    found = gather(tmp_path)
    setting = "demo", "pixels", "chance", "group"
    assert list(statistics.observations(found, "test_accuracy", *setting)[0]) == [0.1, 0.1]
    assert statistics.expected(found, *setting) == 2


def test_without_a_specification_the_family_decides(tmp_path):
    write_run(tmp_path, record("linear"), extras=False)
    write_run(tmp_path, record("thumbnail_lstm"), extras=False)
    found = gather(tmp_path)
    assert models.is_fitted(found, "demo", "pixels", "linear")
    assert not models.is_fitted(found, "demo", "pixels", "thumbnail_lstm")  # it is trained


def test_comparison_counts_as_the_accuracy_table_does(copied):
    found = comparison.build(copied).set_index(["model", "protocol", "measure"])
    assert found.loc[("lstm", "group", "test_accuracy"), "n"].item() == 6
