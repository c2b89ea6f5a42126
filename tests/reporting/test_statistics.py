"""The statistics against independent formulas and scipy.stats."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from synthetic_records import record, write_leakage, write_run

from workflow.reporting.results import gather
from workflow.reporting.statistics import difference, equivalence, holm, interval, of_folds, student, summary, within

VALUES = [0.61, 0.64, 0.58, 0.66, 0.62]
OTHER = [0.41, 0.52, 0.47]


def by_fold(values):
    return pd.Series(values, pd.Index(range(len(values)), name="fold"))


def by_run(rows):
    """Accuracies by (fold, seed), from a row of seeds per fold."""
    table = pd.DataFrame(rows)
    return table.rename_axis(index="fold", columns="seed").stack()


def test_an_interval_is_students_over_the_means_of_the_folds():
    rows = [[0.5, 0.6, 0.7], [0.61, 0.62, 0.66], [0.55, 0.58, 0.52]]
    found, means = interval(by_run(rows)), np.mean(rows, axis=1)
    low, high = stats.t.interval(0.95, 2, np.mean(means), stats.sem(means))
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9)
    assert (found.mean, found.folds, found.n) == (pytest.approx(np.mean(rows)), 3, 9)
    assert found.std == pytest.approx(np.std(rows, ddof=1))  # of the runs: a description


def test_more_seeds_of_equal_folds_do_not_narrow_it():
    few, many = (interval(by_run([[value] * seeds for value in VALUES])) for seeds in (1, 10))
    assert (few.low, few.high) == pytest.approx((many.low, many.high))


def test_a_fold_with_more_seeds_has_no_more_weight():
    assert interval(by_run([[0.5, 0.5, 0.5], [0.7, math.nan, math.nan]]).dropna()).mean == pytest.approx(0.6)


def test_shared_training_clips_widen_the_interval_as_nadeau_and_bengio():
    plain, corrected = interval(by_fold(VALUES)), interval(by_fold(VALUES), 1 / 4)
    widened = math.sqrt((1 / 5 + 1 / 4) / (1 / 5))
    assert corrected.high - corrected.mean == pytest.approx(widened * (plain.high - plain.mean), rel=1e-12)


def test_the_correction_comes_from_the_splits_and_without_them_from_the_number_of_folds(tmp_path):
    for fold, value in enumerate((0.5, 0.6, 0.7)):
        write_run(tmp_path, record(fold=fold, test_accuracy=value), extras=False)
    experiment = "test_accuracy", "demo", "pixels", "fdht_lstm", "group"
    assert summary(gather(tmp_path), *experiment).error == pytest.approx(0.1 * math.sqrt(1 / 3 + 1 / 2))
    write_leakage(tmp_path, folds=3, train=144)  # 48 clips are tested
    assert summary(gather(tmp_path), *experiment).error == pytest.approx(0.1 * math.sqrt(1 / 3 + 48 / 144))


@pytest.mark.parametrize("runs", [[], [0.5], [0.5, 0.6, 0.7]])
def test_a_single_fold_has_no_interval(runs):
    found = interval(by_run([runs]) if runs else by_fold([]).astype(float))
    assert (found.folds, found.n) == (min(1, len(runs)), len(runs))
    assert all(map(math.isnan, (found.low, found.high, found.p)))


def test_accuracies_stay_within_0_and_1_and_differences_within_one_point_of_0():
    found = within(interval(by_fold([0.98, 0.97, 0.99])), 0)
    assert (found.high, found.low) == (1, pytest.approx(0.98 - stats.t.ppf(0.975, 2) * 0.01 / math.sqrt(3)))
    assert difference(interval(by_fold([0.9, 0.2])), interval(by_fold([0.1, 0.7]))).low == -1


def test_folds_that_agree_by_chance_are_no_proof():
    """Accuracies on 50 clips are rounded to 0.02, so that their mean is known to no more than that rounding."""
    found = interval(by_fold([0.04, 0.04]), step=1 / 50)
    assert found.error == pytest.approx(0.02 / math.sqrt(12) / math.sqrt(2))
    assert found.p > 0.05 > interval(by_fold([0.04, 0.04])).p


def test_equal_values_are_certain_but_for_rounding():
    assert interval(by_fold([0.1 + 0.2 - 0.3] * 3)).p == pytest.approx(1, abs=1e-3)
    assert interval(by_fold([0.25] * 3)).p == pytest.approx(0, abs=1e-12)


def test_the_p_value_is_scipys():
    assert interval(by_fold(VALUES)).p == pytest.approx(stats.ttest_1samp(VALUES, 0).pvalue, rel=1e-9)


def test_holm_on_a_worked_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_never_lowers_keeps_the_order_and_ends_at_one(values):
    corrected = holm(values)
    assert all(after >= before and after <= 1 for before, after in zip(values, corrected, strict=True))
    order = sorted(range(len(values)), key=lambda i: values[i])
    assert all(corrected[a] <= corrected[b] for a, b in itertools.pairwise(order))


def test_a_comparison_that_could_not_be_made_still_counts():
    corrected = holm([0.01, math.nan])
    assert corrected[0] == pytest.approx(0.02)
    assert math.isnan(corrected[1])


def test_the_difference_of_independent_estimates_is_welchs():
    found = difference(interval(by_fold(VALUES)), interval(by_fold(OTHER)))
    other = stats.ttest_ind(VALUES, OTHER, equal_var=False)
    low, high = other.confidence_interval()
    assert (found.low, found.high, found.p) == pytest.approx((low, high, other.pvalue), rel=1e-9)
    assert found.folds == 3
    assert math.isnan(difference(interval(by_fold(VALUES)), interval(by_fold([0.5]))).p)


def test_equivalence_is_the_larger_of_two_one_sided_tests():
    values, margin = [0.01, -0.02, 0.03, 0.0], 0.05
    above = stats.ttest_1samp(values, -margin, alternative="greater").pvalue
    below = stats.ttest_1samp(values, margin, alternative="less").pvalue
    assert equivalence(interval(by_fold(values)), margin) == pytest.approx(max(above, below), rel=1e-9)
    assert equivalence(student(0.06, 0.001, 4), margin) > 0.5  # certain, and too far away


def test_arrays_give_what_each_of_their_rows_gives():
    means = np.random.default_rng(0).normal(0.5, 0.1, (4, 3))
    found = of_folds(means, 0.3, 0.01)
    for place, row in enumerate(means):
        assert interval(by_fold(row), 0.3, 0.01).p == pytest.approx(found.p[place])
