"""Verdicts on a reproduced number compared with a reported one."""

import math

from workflow.reporting.statistics import FEWEST, Interval

MATCH, BETTER, WORSE, INCONCLUSIVE = "match", "better", "worse", "inconclusive"
NOT_REPORTED, NOT_RUN = "not reported", "not run"
PARTIAL = "part of the set"  # reported accuracies are on the whole set, so there is no verdict on a part of it
UNKNOWN = "no reported value is available"


def of_accuracy(reported: float, found: Interval, tolerance: float) -> tuple[str, str]:
    """Return (verdict, reason) of a mean accuracy compared with a reported one; all numbers are fractions.

    match: the whole interval lies within `tolerance` of the reported value. better, worse: the whole interval lies on
    one side of it and the mean is farther away than `tolerance`. Anything else is inconclusive.
    """
    if math.isnan(reported):
        return NOT_REPORTED, UNKNOWN
    if found.n == 0:
        return NOT_RUN, "no finished run"
    if found.n < FEWEST:
        return INCONCLUSIVE, f"n = {found.n}; at least {FEWEST} runs are needed"
    low, high, difference = found.low - reported, found.high - reported, found.mean - reported
    slack = tolerance + 1e-12  # a value at the very edge is inside
    if -slack <= low and high <= slack:
        return MATCH, "interval within the tolerance"
    if low > 0 and difference > tolerance:
        return BETTER, "interval above the reported value"
    if high < 0 and difference < -tolerance:
        return WORSE, "interval below the reported value"
    return INCONCLUSIVE, "interval contains the reported value" if low <= 0 <= high else "too close to the tolerance"


def of_count(metric: str, reported: float, step: float, found: float | None) -> tuple[str, str]:
    """Return (verdict, reason) of a count or ratio; `step` is one unit of the reported value's last digit.

    Fewer weights, or a larger ratio, than reported are better.
    """
    if math.isnan(reported):
        return NOT_REPORTED, UNKNOWN
    if found is None or math.isnan(found):
        return NOT_RUN, "no count of our own"
    slack = step if metric.startswith("ratio") else step / 2 if metric == "weights" else 0.0
    if abs(found - reported) <= slack:
        return MATCH, "equal to the printed digits" if slack else "equal"
    return (BETTER, "fewer weights") if (found > reported) == metric.startswith("ratio") else (WORSE, "more weights")
