"""What counts as one observation: a run of a model that is trained; of one that is fitted, a fold.

A fitted baseline (chance, nearest neighbour, linear) has no random element: the seed does not enter it, so that its
runs on a fold are copies of one another, and copies make no interval narrower. What a model is decides, not its
values: trained runs that happen to agree are still several, and n must not depend on what was found.
"""

from baselines import FORMATS
from workflow.reporting import counted
from workflow.reporting.results import Results
from workflow.reporting.statistics import Interval, interval, overlap


def fitted(results: Results, dataset: str, front_end: str, model: str) -> bool:
    """Whether a model is fitted at once, without a seed; a format that nothing tells has the model's name."""
    known = counted.arguments_of(results, dataset, front_end, model) or {"format": model}
    format_ = FORMATS.get(known["format"])
    return format_ is not None and format_.fitted


def values(results: Results, measure: str, *setting: str) -> list[float]:
    """The independent values of one row of the accuracy table: one a run, or one a fold (the mean of its copies)."""
    runs = results.by_run(measure, *setting)
    return list((per_fold(runs) if fitted(results, *setting[:3]) else runs).values())


def per_fold(runs: dict[tuple[int, int], float]) -> dict[tuple[int, int], float]:
    """(fold, seed) -> value with the seeds of a fold averaged, under its first seed."""
    folds: dict[int, list[int]] = {}
    for fold, seed in sorted(runs):
        folds.setdefault(fold, []).append(seed)
    return {(fold, seeds[0]): sum(runs[fold, seed] for seed in seeds) / len(seeds) for fold, seeds in folds.items()}


def summary(results: Results, measure: str, *setting: str) -> Interval:
    """Mean, deviation, interval and n of one row of the accuracy table, corrected for overlapping folds."""
    return interval(values(results, measure, *setting), correction(results, measure, *setting))


def correction(results: Results, measure: str, *setting: str) -> float:
    """n_test / n_train of the folds behind a row, as `interval` and `welch` take it."""
    folds = {fold for fold, _ in results.by_run(measure, *setting)}
    return overlap(len(folds), results.test_share(setting[0], setting[3]))


def expected(results: Results, *setting: str) -> int:
    """How many observations a row should have: its runs, or its folds."""
    if not fitted(results, *setting[:3]):
        return results.expected_runs(*setting)
    return results.expected_folds(*setting)
