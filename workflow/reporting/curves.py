"""The curves of runs, read from metrics.jsonl: one line per epoch, the last of which may still be being written."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workflow.reporting.results import Results, cached

NAMES = (
    "train_accuracy",
    "validation_accuracy",
    "test_accuracy",
    "train_loss",
    "validation_loss",
    "test_loss",
)


Epoch = dict[str, Any]


def read(path: str | Path) -> list[Epoch]:
    """Return the epochs of a run in order. A resumed run repeats some; the later line counts."""
    try:
        lines = Path(path).read_text().splitlines()
    except FileNotFoundError:
        return []
    epochs = {}
    for line in lines:
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:  # not written completely
            continue
        if isinstance(entry, dict) and isinstance(entry.get("epoch"), int):
            epochs[entry["epoch"]] = entry
    return [epochs[epoch] for epoch in sorted(epochs)]


def column(epochs: list[Epoch], name: str) -> list[float]:
    """Return one quantity over the epochs, NaN if a line lacks it."""
    values = (entry.get(name) for entry in epochs)
    return [float(value) if isinstance(value, int | float) else float("nan") for value in values]


def fewest_epochs(results: Results, experiments: list[tuple[str, str, str, str]]) -> int:
    """Return the smallest number of epochs of the experiments, each taken by its longest run."""
    return int(min((results.successful(*experiment)["epochs"].max() for experiment in experiments), default=0))


def cut(results: Results, measure: str, epochs: int, *experiment: str) -> dict[tuple[int, int], float]:
    """Return (fold, seed) -> `measure` within the first `epochs` epochs, without the runs whose curve lacks it.

    The best test epoch is a maximum over epochs, which grows with their number: only equal numbers compare.
    """
    found = {}
    for row in results.successful(*experiment).itertuples():
        value = _accuracy(measure, _curve(results, row.record)[:epochs])
        if value is not None:
            found[row.fold, row.seed] = value
    return found


def _accuracy(measure: str, epochs: Sequence[Epoch]) -> float | None:
    if not epochs or any(epoch.get("test_accuracy") is None for epoch in epochs):
        return None
    if measure == "best_epoch_accuracy":
        return max(epoch["test_accuracy"] for epoch in epochs)
    # training chooses alike: the highest validation accuracy, then the lowest loss, then the first
    chosen = max(epochs, key=lambda epoch: (epoch["validation_accuracy"], -epoch["validation_loss"]))
    return chosen["test_accuracy"]


@cached
def _curve(results: Results, record: str) -> list[Epoch]:
    return read((results.root / record).with_name("metrics.jsonl"))
