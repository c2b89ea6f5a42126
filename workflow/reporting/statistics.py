"""Means, intervals and paired tests over folds and seeds.

Runs of a cross-validation are not independent: the training parts of two folds share most of their clips.
The usual t test then finds differences that are not there. Intervals and tests here use the variance of the
corrected resampled t test, (1/n + n_test/n_train) s^2 in place of s^2/n (Nadeau and Bengio, Machine
Learning 52, 2003; for repeated cross-validation Bouckaert and Frank, PAKDD 2004). With a single fold there
is nothing to correct: such an interval speaks of seeds only, and the tables say so.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import special

CONFIDENCE = 0.95
FEWEST = 3  # fewer runs than this give no verdict


class Interval(NamedTuple):
    """A mean over n runs with its two-sided confidence interval; low and high are NaN for n < 2."""

    mean: float
    std: float  # of the sample, n - 1; NaN for n < 2
    low: float
    high: float
    n: int


class Paired(NamedTuple):
    """Mean difference first - second over n shared (fold, seed) pairs; p is two-sided, NaN for n < FEWEST."""

    difference: float
    low: float
    high: float
    p: float
    n: int


def quantile(freedom: float) -> float:
    """The t distribution's two-sided quantile at CONFIDENCE (scipy.stats would take a second to import)."""
    return float(special.stdtrit(freedom, (1 + CONFIDENCE) / 2))


def overlap(n_folds: int, test_share: float | None = None) -> float:
    """n_test / n_train of one fold: 0 for a single fold, else from `test_share`, else 1/(k-1)."""
    if n_folds < 2:
        return 0.0
    return test_share / (1 - test_share) if test_share else 1 / (n_folds - 1)


def interval(values: Sequence[float], correction: float = 0.0) -> Interval:
    """Mean, standard deviation and confidence interval of `values`; `correction` is `overlap`'s ratio."""
    array = np.asarray(values, dtype=float)
    n = array.size
    if n == 0:
        return Interval(math.nan, math.nan, math.nan, math.nan, 0)
    mean = float(array.mean())
    if n == 1:
        return Interval(mean, math.nan, math.nan, math.nan, 1)
    std = float(array.std(ddof=1))
    std = 0.0 if std < 1e-12 * abs(mean) else std  # rounding of equal values
    half = quantile(n - 1) * std * math.sqrt(1 / n + correction)
    return Interval(mean, std, mean - half, mean + half, n)


def paired(first: dict, second: dict, correction: float = 0.0) -> Paired:
    """Compare two models run by run: both map (fold, seed) to a value; only shared keys count."""
    keys = sorted(first.keys() & second.keys())
    found = interval([first[key] - second[key] for key in keys], correction)
    if found.n < FEWEST:
        return Paired(found.mean, math.nan, math.nan, math.nan, found.n)
    if found.std < 1e-12:  # the same difference in every pair: no scale to measure it by
        p = 1.0 if abs(found.mean) < 1e-12 else 0.0
    else:
        error = found.std * math.sqrt(1 / found.n + correction)
        p = float(2 * special.stdtr(found.n - 1, -abs(found.mean) / error))
    return Paired(found.mean, found.low, found.high, p, found.n)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction for len(p_values) comparisons, in the given order; NaN stays NaN but counts."""
    order = sorted(range(len(p_values)), key=lambda i: (math.isnan(p_values[i]), p_values[i]))
    corrected, highest = [math.nan] * len(p_values), 0.0
    for rank, index in enumerate(order):
        if not math.isnan(p_values[index]):
            highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
            corrected[index] = highest
    return corrected


def welch(
    first: Sequence[float], first_correction: float, second: Sequence[float], second_correction: float
) -> tuple[float, float, float]:
    """Mean of `first` less mean of `second`, for unpaired runs, with its interval (Welch's degrees of freedom)."""
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if not a.size or not b.size:
        return math.nan, math.nan, math.nan
    difference = float(a.mean() - b.mean())
    if a.size < 2 or b.size < 2:
        return difference, math.nan, math.nan
    one = float(a.var(ddof=1)) * (1 / a.size + first_correction)
    two = float(b.var(ddof=1)) * (1 / b.size + second_correction)
    if one + two == 0:
        return difference, difference, difference
    freedom = (one + two) ** 2 / (one**2 / (a.size - 1) + two**2 / (b.size - 1))
    half = quantile(freedom) * math.sqrt(one + two)
    return difference, difference - half, difference + half
