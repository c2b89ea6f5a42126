"""Means, intervals, paired tests and rankings over folds and seeds.

Runs of a cross-validation are not independent: the training parts of two folds share most of their clips, and the usual
t test finds differences that are not there. Intervals and tests here use the variance of the corrected resampled t
test, (1/n + n_test/n_train) s^2 in place of s^2/n (Nadeau and Bengio, Machine Learning 52, 2003; for repeated
cross-validation Bouckaert and Frank, PAKDD 2004). A single fold needs no correction; its interval covers seeds only.

An observation is a run of a trained model, or a fold of a model that scikit-learn fits: it has no seed, so its runs on
a fold are copies. The kind of model decides this, not the values: n must not depend on the results.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from workflow.reporting import models, splits
from workflow.reporting.results import Results, cached

CONFIDENCE = 0.95
FEWEST = 3  # observations that a verdict needs


class Interval(NamedTuple):
    """A mean over n runs with its two-sided confidence interval; low and high are NaN for n < 2."""

    mean: float
    std: float  # of the sample, n - 1; NaN for n < 2
    low: float
    high: float
    n: int
    p: float = math.nan  # two-sided, for a true mean of 0


def student(estimate: float, error: float, freedom: float) -> tuple[float, float, float]:
    """Return the two-sided interval of an estimate with a standard error, and its p value for a true value of 0."""
    from scipy import special  # slow to import, and the Snakefile imports this file

    half = float(special.stdtrit(freedom, (1 + CONFIDENCE) / 2)) * error
    p = float(2 * special.stdtr(freedom, -abs(estimate) / error)) if error else float(abs(estimate) < 1e-12)
    return estimate - half, estimate + half, p


def overlap(n_folds: int, ratio: float | None = None) -> float:
    """Return n_test / n_train of one of k folds: 0 for a single fold, else `ratio`, else 1/(k-1)."""
    return 0.0 if n_folds < 2 else ratio or 1 / (n_folds - 1)


def interval(values: Sequence[float] | pd.Series, correction: float = 0.0) -> Interval:
    """Return mean, standard deviation, interval and p of `values`; `correction` is n_test / n_train."""
    array = np.asarray(values, dtype=float)
    n, mean = array.size, float(array.mean()) if array.size else math.nan
    if n < 2:
        return Interval(mean, math.nan, math.nan, math.nan, n)
    std = float(array.std(ddof=1))
    std = 0.0 if std < 1e-12 * abs(mean) else std  # rounding of equal values
    low, high, p = student(mean, std * math.sqrt(1 / n + correction), n - 1)
    return Interval(mean, std, low, high, n, p)


def paired(first: pd.Series, second: pd.Series, correction: float = 0.0) -> Interval:
    """Return the mean difference first - second over the runs (indices) that both have.

    low, high and p are NaN for n < FEWEST.
    """
    found = interval((first - second).dropna(), correction)
    return found if found.n >= FEWEST else found._replace(low=math.nan, high=math.nan, p=math.nan)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values with Holm's correction, in the given order; a NaN stays NaN but counts as a comparison."""
    ordered = pd.Series(p_values, dtype=float).sort_values(kind="stable")
    factors = np.arange(len(ordered), 0, -1)
    return (ordered * factors).clip(upper=1).cummax().sort_index().tolist()


def welch(
    first: Sequence[float], first_correction: float, second: Sequence[float], second_correction: float
) -> tuple[float, float, float]:
    """Return the difference in means (first - second) of unpaired runs, with a Welch confidence interval."""
    a, b = interval(first), interval(second)
    if a.n < 2 or b.n < 2:
        return a.mean - b.mean, math.nan, math.nan
    variances = a.std**2 * (1 / a.n + first_correction), b.std**2 * (1 / b.n + second_correction)
    total = sum(variances)
    freedom = total**2 / (variances[0] ** 2 / (a.n - 1) + variances[1] ** 2 / (b.n - 1)) if total else 1.0
    return a.mean - b.mean, *student(a.mean - b.mean, math.sqrt(total), freedom)[:2]


def observations(results: Results, measure: str, *experiment: str) -> tuple[pd.Series, float]:
    """Return the observations of an experiment and their correction, n_test / n_train of its folds.

    They are indexed by fold and seed, or by fold if the model has no seed.
    """
    runs = results.by_run(measure, *experiment)
    found = runs.groupby("fold").mean() if models.is_fitted(results, *experiment[:3]) else runs
    return found, _correction(results, found, experiment[0], experiment[3])


def _correction(results: Results, found: pd.Series, dataset: str, protocol: str) -> float:
    shares = splits.shares(results, dataset, protocol)
    folds = found.index.get_level_values("fold").nunique()
    return overlap(folds, shares["n_test"] / shares["n_train"] if shares else None)


@cached
def summary(results: Results, measure: str, *experiment: str) -> Interval:
    """Return mean, deviation, interval and n of an experiment, corrected for overlapping folds."""
    return interval(*observations(results, measure, *experiment))


def expected(results: Results, *experiment: str) -> int:
    """Return how many observations an experiment should have."""
    runs = results.rows("expected", *experiment)
    return runs["fold"].nunique() if models.is_fitted(results, *experiment[:3]) else len(runs)


@cached
def compare(results: Results, measure: str, first: str, second: str, *block: str) -> Interval:
    """Compare two models in a block (dataset, front_end, protocol) over the folds and seeds that both have.

    Two fitted models are compared once per fold.
    """
    places = [(*block[:2], model) for model in (first, second)]
    one, two = (results.by_run(measure, *place, block[2]) for place in places)
    if all(models.is_fitted(results, *place) for place in places):
        one, two = (runs.groupby("fold").mean() for runs in (one, two))
    return paired(one, two, _correction(results, (one - two).dropna(), block[0], block[2]))


@cached
def marks(results: Results, measure: str, *block: str) -> dict[str, str]:
    """Return model -> "best" or "second" for the models of a block (dataset, front_end, protocol) so marked.

    The best is significantly better than every other model, the second than every model below it, at the layout's
    significance after Holm's correction over these comparisons.
    """
    names = results.models_on(*block[:2])
    means = pd.Series({name: results.by_run(measure, *block[:2], name, block[2]).mean() for name in names}, dtype=float)
    ranked = list(means.dropna().sort_index().sort_values(ascending=False, kind="stable").index)
    pairs = [(one, other) for place, one in enumerate(ranked[:2]) for other in ranked[place + 1 :]]
    tests = [compare(results, measure, one, other, *block) for one, other in pairs]
    corrected = holm([test.p for test in tests])
    won = [p <= results.layout["significance"] and test.mean > 0 for test, p in zip(tests, corrected, strict=True)]
    wins = pd.Series(won, [one for one, _ in pairs], dtype=bool).groupby(level=0).all()
    return {name: mark for name, mark in zip(ranked, ("best", "second"), strict=False) if wins.get(name, False)}
