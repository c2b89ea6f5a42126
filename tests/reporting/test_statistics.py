"""The statistics against independent formulas and scipy.stats."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from workflow.reporting.statistics import FEWEST, holm, interval, overlap, paired, welch

VALUES = [0.61, 0.64, 0.58, 0.66, 0.62]


def test_interval_without_overlap_is_students():
    found = interval(VALUES)
    low, high = stats.t.interval(0.95, len(VALUES) - 1, np.mean(VALUES), stats.sem(VALUES))
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-12)
    assert (found.mean, found.std, found.n) == (
        pytest.approx(np.mean(VALUES)),
        pytest.approx(np.std(VALUES, ddof=1)),
        5,
    )


def test_overlapping_folds_widen_the_interval_as_nadeau_and_bengio():
    plain, corrected = interval(VALUES), interval(VALUES, overlap(5))
    widened = math.sqrt((1 / 5 + 1 / 4) / (1 / 5))
    assert corrected.high - corrected.mean == pytest.approx(widened * (plain.high - plain.mean), rel=1e-12)


def test_overlap_follows_the_sizes_of_the_parts_where_they_are_known():
    assert overlap(1, 0.25) == 0.0
    assert overlap(5) == pytest.approx(0.25)
    assert overlap(3, 0.25) == 0.25


@pytest.mark.parametrize("values", [[], [0.5]])
def test_too_few_values_have_no_interval(values):
    found = interval(values)
    assert found.n == len(values)
    assert math.isnan(found.low)
    assert math.isnan(found.std)


def test_equal_values_have_no_spread():
    assert interval([0.1 + 0.2] * 3).std == 0.0


def test_paired_without_overlap_is_scipys():
    first, second = pd.Series(VALUES), pd.Series([0.60, 0.61, 0.58, 0.60, 0.59])
    found = paired(first, second)
    assert found.p == pytest.approx(stats.ttest_rel(first, second).pvalue, rel=1e-9)


def test_pairs_are_those_that_both_have():
    first, second = {(0, 0): 0.5, (0, 1): 0.6, (1, 0): 0.7}, {(0, 1): 0.5, (1, 0): 0.5, (2, 0): 0.1}
    found = paired(pd.Series(first), pd.Series(second))
    assert found.n == 2
    assert found.mean == pytest.approx(0.15)
    assert math.isnan(found.p)  # fewer than FEWEST


def test_the_same_difference_in_every_pair():
    low, high = (pd.Series([value] * FEWEST) for value in (0.5, 0.75))
    assert paired(low, low).p == 1.0
    assert paired(high, low).p == 0.0


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


def test_welch_without_overlap_is_scipys():
    other = [0.41, 0.52, 0.47]
    difference, low, high = welch(VALUES, 0.0, other, 0.0)
    found = stats.ttest_ind(VALUES, other, equal_var=False).confidence_interval()
    assert (difference, low, high) == pytest.approx((np.mean(VALUES) - np.mean(other), found.low, found.high), rel=1e-9)
