"""Simulate the report's intervals, tests and verdicts: how often they err, and how often `match` is right.

python -m benchmarks.calibration --output results/benchmarks/calibration.csv

An accuracy is the true value plus an effect of its fold and one of its seed, rounded to whole test clips. A run has the
variance of a binomial, of which `fold_share` is due to the fold. Shared training clips correlate the means of two folds
by `correlation`: 0, or the 1 / folds of a whole cross-validation, for which Nadeau and Bengio correct.

type_one: share of the n simulations with the true value outside the interval, for `pair` with a significant difference
where there is none; for `reported` the larger of two shares: `differs` where both true accuracies are equal, `match`
where they differ by the margin. uncorrected: type_one with s^2 / folds as the squared standard error. p_match: share
with `match` where both true accuracies are equal.
"""

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
from typer import Option

from benchmarks import measure
from workflow.reporting import layout, verdict
from workflow.reporting.statistics import CONFIDENCE, Interval, difference, equivalence, of_folds
from workflow.storage.command_line import command_line

DESIGNS = ((2, 3), (3, 5), (4, 5), (5, 5))  # folds, seeds
FOLD_SHARES = (0.0, 0.5, 1.0)
TRUTH, HIGH, STRICT = 0.87, 0.98, 0.4  # accuracies: as reported on UCF11, one near 1, one under protocol group
LEVEL = 1 - CONFIDENCE
COLUMNS = ["design", "fold_share", "correlation", "what", "type_one", "uncorrected", "p_match", "n"]


def simulate(
    n: int, clips: int, errors: float, folds: int, seeds: int, share: float, correlation: float, seed: int
) -> Iterator[dict[str, str | float]]:
    """Yield a row for each interval, test and verdict. errors: the margin in standard errors."""
    random = np.random.default_rng(seed)
    normal = random.standard_normal

    def runs(truth: float | np.ndarray) -> np.ndarray:
        effect = share**0.5 * normal((n, folds, 1)) + (1 - share) ** 0.5 * normal((n, folds, seeds))
        common = (share + (1 - share) / seeds) ** 0.5 * normal((n, 1, 1))  # with the variance of a fold's mean
        effect = (1 - correlation) ** 0.5 * effect + correlation**0.5 * common
        return np.round((truth + verdict.margin(truth, clips, 1) * effect) * clips) / clips

    def estimate(values: np.ndarray, correction: float = 1 / (folds - 1)) -> Interval:
        found = of_folds(values.mean(axis=2), correction, 1 / clips)
        return found._replace(std=values.std(axis=(1, 2), ddof=1))

    def missed(found: Interval, truth: float) -> float:
        return float(np.mean((truth < found.low) | (truth > found.high)))

    values, high, other, strict = (runs(truth) for truth in (TRUTH, HIGH, TRUTH, STRICT))
    single = estimate(values)
    plain = missed(estimate(values, correction=0.0), TRUTH)
    yield {"what": f"single, {TRUTH}", "type_one": missed(single, TRUTH), "uncorrected": plain}
    yield {"what": f"single, {HIGH}", "type_one": missed(estimate(high), HIGH)}
    yield {"what": "pair", "type_one": float(np.mean(estimate(values - other).p <= LEVEL))}
    yield {"what": "protocol", "type_one": missed(difference(single, estimate(strict)), TRUTH - STRICT)}
    reported = random.binomial(clips, TRUTH, n) / clips
    margin = verdict.margin(reported, clips, errors)
    gap = verdict.gap(reported, clips, single)
    apart = verdict.gap(reported, clips, estimate(runs(TRUTH - margin[:, None, None])))
    match, wrong = (equivalence(found, margin) <= LEVEL for found in (gap, apart))
    type_one = float(max(np.mean(~match & (gap.p <= LEVEL)), np.mean(wrong)))
    yield {"what": "reported", "type_one": type_one, "p_match": float(np.mean(match))}


def table(n: int, clips: int, errors: float, seed: int) -> Iterator[list[dict]]:
    """Yield the rows of each design."""
    for folds, seeds in DESIGNS:
        rows = []
        for share, correlation in itertools.product(FOLD_SHARES, (0.0, 1 / folds)):
            place = {"design": f"{folds}x{seeds}", "fold_share": share, "correlation": correlation}
            found = simulate(n, clips, errors, folds, seeds, share, correlation, seed)
            rows += [dict.fromkeys(COLUMNS, math.nan) | place | row | {"n": n} for row in found]
        yield rows


def main(
    n: Annotated[int, Option(min=100, help="simulations of each case")] = 40_000,
    clips: Annotated[int, Option(min=1, help="test clips of a fold; UCF11 has 320")] = 320,
    seed: Annotated[int, Option(help="of the random numbers")] = 0,
    output: Annotated[Path, Option(help="CSV file")] = measure.RESULTS / "calibration.csv",
) -> None:
    measure.record(output, table(n, clips, layout.load()["margin_errors"], seed))


if __name__ == "__main__":
    command_line(main)
