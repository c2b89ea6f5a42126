"""Verdicts on a reproduced number compared with a reported one."""

import math

import numpy as np

from workflow.reporting.numbers import number
from workflow.reporting.statistics import CONFIDENCE, Interval, difference, equivalence

MATCH, DIFFERS, INCONCLUSIVE = "match", "differs", "inconclusive"
NOT_REPORTED, NOT_RUN = "not reported", "not run"
PARTIAL = "part of the set"  # reported accuracies are on the whole set, so there is no verdict on a part of it
UNKNOWN = "no reported value is available"


def margin(reported: float, n_test: int, errors: float) -> float:
    """Return the margin of equivalence: `errors` standard errors of an accuracy on a single split of n_test clips."""
    return errors * np.sqrt(reported * (1 - reported) / n_test)


def gap(reported: float, n_test: int, found: Interval) -> Interval:
    """Return reproduced minus reported, an accuracy of one run on one split of n_test clips.

    Its variance is the largest of three: the binomial variance at either accuracy, and that of our runs.
    """
    variance = np.maximum(reported * (1 - reported), found.mean * (1 - found.mean)) / n_test
    error = np.sqrt(np.maximum(variance, found.std**2))
    return difference(found, Interval(reported, error=error, freedom=math.inf, folds=found.folds))


def of_accuracy(reported: float, n_test: int, errors: float, found: Interval) -> tuple[str, str]:
    """Return (verdict, reason) of an accuracy compared with a reported one; all numbers are fractions.

    match: two one-sided tests show that both differ by less than the margin. differs: otherwise, if the interval of
    their difference excludes 0. Anything else is inconclusive.
    """
    if math.isnan(reported):
        return NOT_REPORTED, UNKNOWN
    if found.n == 0:
        return NOT_RUN, "no finished run records this accuracy"
    if found.folds < 2:
        return INCONCLUSIVE, "a single fold has no interval; at least 2 folds are needed"
    between, limit = gap(reported, n_test, found), margin(reported, n_test, errors)
    points = number(100 * limit, 1)
    if equivalence(between, limit) <= 1 - CONFIDENCE:
        return MATCH, f"equivalent within {points} points"
    if between.p <= 1 - CONFIDENCE:
        return DIFFERS, f"not equivalent within {points} points, and the difference is not 0"
    return INCONCLUSIVE, f"neither a difference nor equivalence within {points} points is shown; more folds are needed"


def of_count(metric: str, reported: float, step: float, found: float | None) -> tuple[str, str]:
    """Return (verdict, reason) of a count or ratio; `step` is one unit of the reported value's last digit."""
    if math.isnan(reported):
        return NOT_REPORTED, UNKNOWN
    if found is None or math.isnan(found):
        return NOT_RUN, "there is no reproduced count"
    slack = step if metric.startswith("ratio") else step / 2 if metric == "weights" else 0.0
    if abs(found - reported) <= slack:
        return MATCH, "equal to the printed digits" if slack else "equal"
    return DIFFERS, "fewer weights" if (found > reported) == metric.startswith("ratio") else "more weights"
