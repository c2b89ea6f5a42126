"""Means, intervals, paired tests and rankings over folds and seeds.

Runs of a cross-validation are not independent: the training parts of two folds share most of their clips, and the usual
t test finds differences that are not there. Intervals and tests here use the variance of the corrected resampled t
test, (1/n + n_test/n_train) s^2 in place of s^2/n (Nadeau and Bengio, Machine Learning 52, 2003; for repeated
cross-validation Bouckaert and Frank, PAKDD 2004). A single fold needs no correction; its interval covers seeds only.

An observation is a run of a trained model, or a fold of a model that is fitted at once: no seed enters such a model, so
its runs on a fold are copies. The kind of model decides this, not its values: n must not depend on what was found.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from workflow.reporting import models
from workflow.reporting.results import Results, cached

CONFIDENCE = 0.95
FEWEST = 3  # observations that a verdict needs
Values = dict[tuple[int, int], float]  # (fold, seed) -> value


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
    """Return the t distribution's two-sided quantile at CONFIDENCE."""
    from scipy import special  # slow to import, and the Snakefile imports this file

    return float(special.stdtrit(freedom, (1 + CONFIDENCE) / 2))


def overlap(n_folds: int, test_share: float | None = None) -> float:
    """Return n_test / n_train of one of k folds: 0 for a single fold, else from `test_share`, else 1/(k-1)."""
    if n_folds < 2:
        return 0.0
    return test_share / (1 - test_share) if test_share else 1 / (n_folds - 1)


def interval(values: Sequence[float], correction: float = 0.0) -> Interval:
    """Return mean, standard deviation and confidence interval of `values`; `correction` is n_test / n_train."""
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


def paired(first: Values, second: Values, correction: float = 0.0) -> Paired:
    """Compare two models run by run; only keys that both have count."""
    from scipy import special

    keys = sorted(first.keys() & second.keys())
    found = interval([first[key] - second[key] for key in keys], correction)
    if found.n < FEWEST:
        return Paired(found.mean, math.nan, math.nan, math.nan, found.n)
    if found.std < 1e-12:  # every pair has the same difference: there is no t
        p = 1.0 if abs(found.mean) < 1e-12 else 0.0
    else:
        error = found.std * math.sqrt(1 / found.n + correction)
        p = float(2 * special.stdtr(found.n - 1, -abs(found.mean) / error))
    return Paired(found.mean, found.low, found.high, p, found.n)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values with Holm's correction, in the given order; a NaN stays NaN but counts as a comparison."""
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
    """Difference in means (first - second) of unpaired runs, with a Welch confidence interval."""
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


def values(results: Results, measure: str, *experiment: str) -> list[float]:
    """Return the observations of an experiment."""
    runs = results.by_run(measure, *experiment)
    return list((per_fold(runs) if models.is_fitted(results, *experiment[:3]) else runs).values())


def per_fold(runs: Values) -> Values:
    """Return the mean over the seeds of each fold, under the fold's first seed."""
    folds: dict[int, list[int]] = {}
    for fold, seed in sorted(runs):
        folds.setdefault(fold, []).append(seed)
    return {(fold, seeds[0]): sum(runs[fold, seed] for seed in seeds) / len(seeds) for fold, seeds in folds.items()}


@cached
def summary(results: Results, measure: str, *experiment: str) -> Interval:
    """Return mean, deviation, interval and n of an experiment, corrected for overlapping folds."""
    return interval(values(results, measure, *experiment), correction(results, measure, *experiment))


def correction(results: Results, measure: str, *experiment: str) -> float:
    """Return n_test / n_train of the folds of an experiment, as `interval` and `welch` take it."""
    folds = {fold for fold, _ in results.by_run(measure, *experiment)}
    return overlap(len(folds), results.test_share(experiment[0], experiment[3]))


def expected(results: Results, *experiment: str) -> int:
    """Return how many observations an experiment should have."""
    runs = results.expected_runs(*experiment)
    return len({fold for fold, _ in runs}) if models.is_fitted(results, *experiment[:3]) else len(runs)


Experiment = tuple[str, str, str, str]  # dataset, front_end, model, protocol


def difference(results: Results, measure: str, first: Experiment, second: Experiment) -> tuple[float, float, float]:
    """Return the difference in means (first - second) of two experiments, with its interval, as `welch` does."""
    one, two = (
        (values(results, measure, *experiment), correction(results, measure, *experiment))
        for experiment in (first, second)
    )
    return welch(*one, *two)


@cached
def compare(results: Results, measure: str, first: str, second: str, *block: str) -> Paired:
    """Compare two models in a block (dataset, front_end, protocol) over the folds and seeds that both have.

    Two fitted models are compared once per fold.
    """
    dataset, front_end, protocol = block
    one, two = (results.by_run(measure, dataset, front_end, model, protocol) for model in (first, second))
    if all(models.is_fitted(results, dataset, front_end, model) for model in (first, second)):
        one, two = per_fold(one), per_fold(two)
    folds = len({fold for fold, _ in one.keys() & two.keys()})
    return paired(one, two, overlap(folds, results.test_share(dataset, protocol)))


@cached
def marks(results: Results, measure: str, *block: str) -> dict[str, str]:
    """Return model -> "best" or "second" for the models of a block (dataset, front_end, protocol) that earn it.

    The best is significantly better than every other model, the second than every model below it, at the layout's
    significance after Holm's correction over these comparisons.
    """
    dataset, front_end, protocol = block
    names = [name for *place, name in results.places if place == [dataset, front_end]]
    runs = {name: results.by_run(measure, dataset, front_end, name, protocol) for name in names}
    means = {name: sum(found.values()) / len(found) for name, found in runs.items() if found}
    ranked = sorted(means, key=lambda name: (-means[name], name))
    if len(ranked) < 2:
        return {}
    pairs = [(ranked[0], other) for other in ranked[1:]] + [(ranked[1], other) for other in ranked[2:]]
    tests = [compare(results, measure, one, two, *block) for one, two in pairs]
    passed = [p <= results.layout["significance"] for p in holm([test.p for test in tests])]
    wins = [ok and test.difference > 0 for ok, test in zip(passed, tests, strict=True)]
    best, second = wins[: len(ranked) - 1], wins[len(ranked) - 1 :]
    marked = {ranked[0]: "best"} if all(best) else {}
    if second and all(second):
        marked[ranked[1]] = "second"
    return marked
