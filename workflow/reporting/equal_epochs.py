"""Accuracies of runs cut to their first epochs, from their streams of metrics.

The best test epoch is a maximum over epochs, and more epochs make a larger maximum: entries that were given different
numbers of epochs are comparable only over those that all of them had.
"""

from functools import lru_cache

from workflow.reporting import curves
from workflow.reporting.results import Results


def fewest(results: Results, settings: list[tuple[str, ...]]) -> int:
    """The smallest number of epochs among rows of the accuracy table; of a row, that of its longest run."""
    longest = [results.successful(*setting)["epochs"].max() for setting in settings]
    return int(min(longest, default=0))


def by_run(results: Results, measure: str, epochs: int, *setting: str) -> dict[tuple[int, int], float]:
    """(fold, seed) -> `measure` of the run's first `epochs` epochs, without the runs whose stream lacks it."""
    found = {}
    for row in results.successful(*setting).itertuples():
        lines = _stream(str((results.root / row.record).with_name("metrics.jsonl")))[:epochs]
        if (value := _accuracy(measure, lines)) is not None:
            found[row.fold, row.seed] = value
    return found


def _accuracy(measure: str, lines: tuple[dict, ...]) -> float | None:
    if not lines or any(line.get("test_accuracy") is None for line in lines):
        return None
    if measure == "best_epoch_accuracy":
        return max(line["test_accuracy"] for line in lines)
    # chosen as training chooses: by validation accuracy, among equals by its loss, the first of what is left
    return max(lines, key=lambda line: (line["validation_accuracy"], -line["validation_loss"]))["test_accuracy"]


@lru_cache(maxsize=4096)
def _stream(path: str) -> tuple[dict, ...]:
    return tuple(curves.read(path))
