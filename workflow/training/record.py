"""The record of a run: what it writes when it ends, result.json last, so that its presence means "complete"."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from safetensors.numpy import save

from workflow.experiments.record import Record
from workflow.experiments.run import Run
from workflow.storage import files, seal
from workflow.training.data import Fold

METRICS = "metrics.jsonl"
# fields of result.json that a failed run may not reach
EMPTY: dict[str, Any] = {
    "status": "failed",
    **dict.fromkeys(("test_accuracy", "best_epoch_accuracy", "validation_accuracy", "best_epoch", "step_ms")),
    "peak_memory_mb": None,
    "epochs": 0,
    "train_seconds": 0.0,
    "device": "",
}


def write(
    folder: Path,
    run: Run,
    result: dict[str, Any],
    environment: dict[str, Any],
    fold: Fold,
    chances: np.ndarray | None,
    weights: bytes,
) -> None:
    """All files; metrics.jsonl is there already. `chances`: (n_test, C), None for a failed run, whose predictions
    are empty."""
    content = {
        "specification.yaml": yaml.safe_dump(run.plain, sort_keys=False, allow_unicode=True).encode(),
        "environment.json": files.json_text(environment).encode(),
        "predictions.csv": predictions(fold, chances).encode(),
        "model.safetensors": weights,
    }
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    if (folder / METRICS).is_file():
        digests[METRICS] = seal.digest(folder / METRICS)
    result = seal.sealed(result, digests)
    Record.model_validate(result)  # ValidationError: a mistake in this room
    for name, data in content.items():
        files.write_bytes(folder / name, data)
    files.write_json(folder / "result.json", result)


def write_failure(
    folder: Path,
    run: Run,
    result: dict[str, Any],
    environment: dict[str, Any],
    fold: Fold,
    failure: str,
) -> None:
    """The record of a run without scores; its predictions and weights are empty files of the right form."""
    result = {**result, "status": "failed", "failure": failure}
    write(folder, run, result, environment, fold, None, save({}))


def predictions(fold: Fold, chances: np.ndarray | None) -> str:
    """A line a test clip: class indices (as in frames.json, `classes`), and the probability of every class."""
    header = ["clip", "label", "predicted", "probability", *(f"probability_{k}" for k in range(len(fold.classes)))]
    lines = [",".join(header)]
    for row, chance in zip(fold.rows["test"], [] if chances is None else chances, strict=chances is not None):
        predicted = int(chance.argmax())
        numbers = ",".join(f"{value:.9g}" for value in (chance[predicted], *chance))
        lines.append(f"{_quoted(fold.names[row])},{fold.labels[row]},{predicted},{numbers}")
    return "\n".join(lines) + "\n"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if set(name) & set(',"\r\n') else name
