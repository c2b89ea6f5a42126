"""The curves of runs, read from metrics.jsonl: one line per epoch; the last may be incomplete."""

from pathlib import Path
from typing import Any

from workflow.storage.files import from_json

Epoch = dict[str, Any]


def read(path: str | Path) -> list[Epoch]:
    """Return the epochs of a run in order. If a resumed run repeated an epoch, its last line counts."""
    epochs = {}
    for line in Path(path).read_text(errors="replace").splitlines() if Path(path).is_file() else ():
        try:
            entry = from_json(line)
            epochs[int(entry["epoch"])] = entry
        except (ValueError, KeyError, TypeError):  # incomplete line
            continue
    return [epochs[epoch] for epoch in sorted(epochs)]


def column(epochs: list[Epoch], name: str) -> list[float]:
    """Return one quantity over the epochs, NaN if a line lacks it."""
    values = (entry.get(name) for entry in epochs)
    return [float(value) if isinstance(value, int | float) else float("nan") for value in values]
