"""Means, intervals, tests and rankings over folds and seeds.

Only folds repeat a whole experiment: the seeds of one fold share its clips. Seeds are therefore averaged first, and
intervals and tests are Student's on the means of the F folds (F - 1 degrees of freedom), whatever share of the variance
the folds have. Two folds also share training clips, so their means are correlated; how much is unknown. Nadeau and
Bengio (Machine Learning 52, 2003) assume n_test / (n_test + n_train), for which the squared standard error is
(1/F + n_test/n_train) s^2 in place of s^2/F. If they are right, the type-I error is the nominal 5 % or less, where 1/F
alone gives 6 to 14 %; for independent folds it is lower (`python -m benchmarks.calibration`). A single fold has no
interval.

Intervals of accuracies end at 0 and 1: no true accuracy lies beyond, so the coverage stays what it is.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from workflow.reporting import models, splits
from workflow.reporting.results import Results, cached

CONFIDENCE = 0.95
FEWEST = 3  # runs whose spread is drawn


class Interval(NamedTuple):
    """An estimate with its two-sided confidence interval; low, high and p are NaN for fewer than two folds."""

    mean: float  # of the means of the folds
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan  # two-sided, for a true mean of 0
    error: float = math.nan  # standard error
    freedom: float = math.nan  # degrees of freedom
    folds: int = 0
    n: int = 0  # runs
    std: float = math.nan  # of the runs


def student(mean: float, error: float, freedom: float, folds: int = 0) -> Interval:
    """Return an estimate with its interval and p value; all may be arrays."""
    from scipy import special  # slow to import, and the Snakefile imports this file

    half = special.stdtrit(freedom, (1 + CONFIDENCE) / 2) * error
    p = 2 * special.stdtr(freedom, -np.abs(mean) / error)
    return Interval(mean, mean - half, mean + half, p, error, freedom, folds)


def of_folds(means: np.ndarray, correction: float, step: float) -> Interval:
    """Return the estimate from F fold means, the last axis of `means`.

    correction: n_test / n_train. step: 1 / n_test, to which accuracies are rounded: their standard deviation is at
    least that of the rounding, since two folds may agree by chance.
    """
    folds = means.shape[-1]
    std = np.maximum(means.std(axis=-1, ddof=1), max(step / math.sqrt(12), 1e-12))
    return student(means.mean(axis=-1), std * math.sqrt(1 / folds + correction), folds - 1, folds)


def interval(runs: pd.Series, correction: float = 0.0, step: float = 0.0) -> Interval:
    """Return the estimate from the means of folds, over runs whose index has the fold."""
    means = runs.groupby("fold").mean()
    one = len(means) < 2
    found = Interval(means.mean(), folds=len(means)) if one else of_folds(means.to_numpy(), correction, step)
    return found._replace(n=len(runs), std=runs.std())


def difference(first: Interval, second: Interval) -> Interval:
    """Return first - second of independent estimates, with Welch's degrees of freedom."""
    one, two = first.error**2, second.error**2
    freedom = (one + two) ** 2 / (one**2 / first.freedom + two**2 / second.freedom)
    found = student(first.mean - second.mean, np.sqrt(one + two), freedom, min(first.folds, second.folds))
    return within(found, -1)


def within(found: Interval, least: float) -> Interval:
    """Return an estimate whose interval ends at `least` and 1: 0 for accuracies, -1 for differences."""
    return found._replace(low=np.clip(found.low, least, 1), high=np.clip(found.high, least, 1))


def equivalence(found: Interval, margin: float) -> float:
    """Return the p value of two one-sided tests: small if the true value lies within `margin` of 0."""
    from scipy import special

    return special.stdtr(found.freedom, (np.abs(found.mean) - margin) / found.error)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values with Holm's correction, in the given order; a NaN stays NaN but counts as a comparison."""
    ordered = pd.Series(p_values, dtype=float).sort_values(kind="stable")
    factors = np.arange(len(ordered), 0, -1)
    return (ordered * factors).clip(upper=1).cummax().sort_index().tolist()


def of_runs(results: Results, runs: pd.Series, dataset: str, protocol: str, least: float = 0) -> Interval:
    """Return the estimate from the runs of a protocol that have a value; `least` is -1 for differences, as of `within`.

    The splits give the sizes; without them the correction is 1 / (folds - 1).
    """
    runs, sizes = runs.dropna(), splits.rows(results, dataset, protocol)
    folds = runs.index.unique("fold").size
    if sizes.empty or folds < 2:
        return within(interval(runs, 1 / max(1, folds - 1)), least)
    train, test = sizes["n_train"].mean(), sizes["n_test"].mean()
    return within(interval(runs, test / train, 1 / test), least)


@cached
def summary(results: Results, measure: str, *experiment: str) -> Interval:
    """Return the accuracy of an experiment. The runs of a fitted model, which has no seed, are copies: n is folds."""
    runs = results.by_run(measure, *experiment)
    runs = runs.groupby("fold").mean() if models.is_fitted(results, *experiment[:3]) else runs
    return of_runs(results, runs, experiment[0], experiment[3])


def expected(results: Results, *experiment: str) -> int:
    """Return how many runs an experiment should have, folds for a fitted model."""
    runs = results.rows("expected", *experiment)
    return runs["fold"].nunique() if models.is_fitted(results, *experiment[:3]) else len(runs)


@cached
def compare(results: Results, measure: str, first: str, second: str, *block: str) -> Interval:
    """Return first - second of two models in a block (dataset, front_end, protocol), over the runs that both have.

    A fitted model has no seed: it is compared with the mean over the seeds of the other, fold by fold.
    """
    dataset, front_end, protocol = block
    one, two = (results.by_run(measure, dataset, front_end, model, protocol) for model in (first, second))
    if any(models.is_fitted(results, dataset, front_end, model) for model in (first, second)):
        one, two = one.groupby("fold").mean(), two.groupby("fold").mean()
    return of_runs(results, one - two, dataset, protocol, -1)


@cached
def marks(results: Results, measure: str, *block: str) -> dict[str, str]:
    """Return model -> "best" or "second" for the models of a block (dataset, front_end, protocol) so marked.

    The layout's `marks` is the rule. best: the highest and the second highest mean. significant: those of them that are
    significantly better, the best than every other model, the second than every model below it, at the layout's
    significance after Holm's correction over these comparisons.
    """
    rule, names = results.layout["marks"], results.models_on(*block[:2])
    means = pd.Series({name: results.by_run(measure, *block[:2], name, block[2]).mean() for name in names}, dtype=float)
    if rule == "none":
        return {}
    if rule == "best":
        return means.rank(method="min", ascending=False).map({1: "best", 2: "second"}).dropna().to_dict()
    ranked = list(means.dropna().sort_index().sort_values(ascending=False, kind="stable").index)
    pairs = [(one, other) for place, one in enumerate(ranked[:2]) for other in ranked[place + 1 :]]
    tests = [compare(results, measure, one, other, *block) for one, other in pairs]
    corrected = holm([test.p for test in tests])
    won = [p <= results.layout["significance"] and test.mean > 0 for test, p in zip(tests, corrected, strict=True)]
    wins = pd.Series(won, [one for one, _ in pairs], dtype=bool).groupby(level=0).all()
    return {name: mark for name, mark in zip(ranked, ("best", "second"), strict=False) if wins.get(name, False)}
