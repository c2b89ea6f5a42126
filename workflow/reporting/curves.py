"""metrics.jsonl: the curve of a run, one line per epoch; the last may be half-written while a run goes on."""

import json
from pathlib import Path

NAMES = (
    "train_accuracy",
    "validation_accuracy",
    "test_accuracy",
    "train_loss",
    "validation_loss",
    "test_loss",
)


def read(path: str | Path) -> list[dict]:
    """Epochs of a run in order; of two lines for one epoch (a resumed run repeats some) the later."""
    try:
        lines = Path(path).read_text().splitlines()
    except FileNotFoundError:
        return []
    epochs = {}
    for line in lines:
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:  # being written
            continue
        if isinstance(entry, dict) and isinstance(entry.get("epoch"), int):
            epochs[entry["epoch"]] = entry
    return [epochs[epoch] for epoch in sorted(epochs)]


def column(epochs: list[dict], name: str) -> list[float]:
    """One quantity over the epochs; NaN where a line lacks it."""
    values = (entry.get(name) for entry in epochs)
    return [float(value) if isinstance(value, int | float) else float("nan") for value in values]
