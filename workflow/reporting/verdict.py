"""The verdicts, as pure functions: what a reported and a reproduced number say about each other."""

import math

from workflow.reporting.statistics import FEWEST, Interval

MATCH, BETTER, WORSE = "match", "better", "worse"
INCONCLUSIVE, NOT_REPORTED, NOT_RUN = "inconclusive", "not reported", "not run"
PARTIAL = "part of the set"  # a published accuracy is one on the whole set: no verdict


def of_accuracy(reported: float, found: Interval, tolerance: float) -> tuple[str, str]:
    """(verdict, reason) of a mean accuracy against a published one, all as fractions.

    match: the whole interval lies within `tolerance` of the reported value. better, worse: the whole interval lies
    on one side of it and the mean is farther away than `tolerance`. Anything else is inconclusive.
    """
    if math.isnan(reported):
        return NOT_REPORTED, "no published value that we may state"
    if found.n == 0:
        return NOT_RUN, "no finished run"
    if found.n < FEWEST:
        return INCONCLUSIVE, f"n = {found.n}, at least {FEWEST} runs are needed"
    low, high, difference = found.low - reported, found.high - reported, found.mean - reported
    slack = tolerance + 1e-12  # a published value at the very edge is inside
    if -slack <= low and high <= slack:
        return MATCH, "interval within the tolerance"
    if low > 0 and difference > tolerance:
        return BETTER, "interval above the reported value"
    if high < 0 and difference < -tolerance:
        return WORSE, "interval below the reported value"
    return INCONCLUSIVE, "interval too wide to tell" if low <= 0 <= high else "too close to the tolerance to tell"


def of_count(metric: str, reported: float, step: float, found: float | None) -> tuple[str, str]:
    """(verdict, reason) of a parameter count or ratio; `step` is one unit of the published value's last digit.

    Fewer weights, or a larger ratio, than published are `better`.
    """
    if math.isnan(reported):
        return NOT_REPORTED, "no published value that we may state"
    if found is None or math.isnan(found):
        return NOT_RUN, "no count of our own"
    slack = step if metric.startswith("ratio") else step / 2 if metric == "weights" else 0.0
    if abs(found - reported) <= slack:
        return MATCH, "equal" if not slack else "equal as far as it is published"
    fewer = found > reported if metric.startswith("ratio") else found < reported
    return (BETTER, "fewer weights") if fewer else (WORSE, "more weights")
