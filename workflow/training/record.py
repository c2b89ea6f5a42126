"""The record of a run: the files it writes when it ends, result.json last, so its presence means "complete"."""

import hashlib
from typing import Any

import numpy as np
import yaml
from safetensors.numpy import save

from workflow.experiments.record import Record
from workflow.storage import files, seal
from workflow.training.data import Fold
from workflow.training.finished import RESULT
from workflow.training.job import Job, Outcome

METRICS = "metrics.jsonl"
UNKNOWN = ("test_accuracy", "best_epoch_accuracy", "validation_accuracy", "best_epoch", "step_ms", "peak_memory_mb")


def write(job: Job, parameters: dict[str, int], outcome: Outcome) -> None:
    """Write all files; metrics.jsonl exists already, if the run got that far. parameters: numbers stored, by part."""
    content = {
        "specification.yaml": yaml.safe_dump(job.run.plain, sort_keys=False, allow_unicode=True).encode(),
        "environment.json": files.json_text(job.environment | outcome.environment).encode(),
        "predictions.csv": predictions(job.fold, outcome.probabilities).encode(),
        "model.safetensors": save(outcome.weights),
    }
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    if (job.output / METRICS).is_file():
        digests[METRICS] = seal.digest(job.output / METRICS)
    result = seal.sealed({**_known(job), "parameters": parameters, **outcome.result}, digests)
    Record.model_validate(result)
    for name, data in content.items():
        files.write_bytes(job.output / name, data)
    files.write_json(job.output / RESULT, result)


def _known(job: Job) -> dict[str, Any]:
    """The fields that do not depend on the outcome, and the values of those that a failed run does not reach."""
    return {
        **dict.fromkeys(UNKNOWN),
        "epochs": 0,
        "train_seconds": 0.0,
        "device": "",
        **job.run.identity,
        "family": job.run.family,
        "recipe": job.run.recipe,
        "clips": {part: len(rows) for part, rows in job.fold.rows.items()},
        "classes": job.fold.classes,
        "precision": job.run.training.precision,
        "data_digest": job.fold.data_digest,
        "split_digest": job.fold.split_digest,
        "git_commit": job.environment["git"]["commit"],
    }


def predictions(fold: Fold, probabilities: np.ndarray | None) -> str:
    """One line per test clip: class indices (as in frames.json, `classes`), and the probability of every class.
    Empty without probabilities (n_test, C)."""
    header = ["clip", "label", "predicted", "probability", *(f"probability_{k}" for k in range(len(fold.classes)))]
    lines = [",".join(header)]
    for row, chances in zip(fold.rows["test"], [] if probabilities is None else probabilities, strict=False):
        predicted = int(chances.argmax())
        numbers = ",".join(f"{value:.9g}" for value in (chances[predicted], *chances))
        lines.append(f"{_quoted(fold.names[row])},{fold.labels[row]},{predicted},{numbers}")
    return "\n".join(lines) + "\n"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if set(name) & set(',"\r\n') else name
