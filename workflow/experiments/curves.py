"""The curves of runs, read from metrics.jsonl: one line per epoch, the last of which may still be being written."""

import json
from pathlib import Path
from typing import Any

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
