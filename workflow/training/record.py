"""The record of a run: the files it writes when it ends, result.json last, so its presence means "complete"."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import yaml
from safetensors.numpy import save

from workflow.experiments.record import KEPT, RECORD, WEIGHTS, Record
from workflow.storage import files, seal
from workflow.training.job import Job

METRICS = "metrics.jsonl"
SEARCHED = "search{}.jsonl"  # the metrics of each candidate of a search
FILES = ("specification.yaml", "environment.json", "predictions.csv", WEIGHTS, METRICS)
PREDICTIONS = ("clip", "label", "predicted", "probability", "siblings")
UNKNOWN = (
    *("test_accuracy", "final_epoch_accuracy", "best_epoch_accuracy", "validation_accuracy"),
    *("best_epoch", "step_ms", "peak_memory_mb"),
)


def write(job: Job, parameters: dict[str, int]) -> None:
    """Write all files; metrics.jsonl exists already, if the run got that far. parameters: weights stored, by part.

    model.safetensors is left out if it is larger than `job.keep_weights` allows.
    """
    run, fold, folder = job.run, job.fold, job.output
    result = {
        **dict.fromkeys(UNKNOWN),  # null if a failed run does not get that far
        "epochs": 0,
        "train_seconds": 0.0,
        "device": "",
        **run.identity,
        "family": run.family,
        "recipe": run.recipe,
        "clips": {part: len(rows) for part, rows in fold.rows.items()},
        "classes": fold.classes,
        "precision": run.training.precision,
        "versions": {"python": job.environment["python"], **job.environment["packages"]},
        "data_digest": fold.data_digest,
        "split_digest": fold.split_digest,
        "code_digest": job.code,
        "git_commit": job.environment["git"]["commit"],
        "parameters": parameters,
        **job.result,
    }
    Record.model_validate(result)
    files.write_text(folder / "specification.yaml", yaml.safe_dump(run.plain, sort_keys=False, allow_unicode=True))
    files.write_json(folder / "environment.json", job.environment | {"seeds": run.seeds})
    columns = [*PREDICTIONS, *(f"probability_{k}" for k in range(len(fold.classes)))]
    lines = (dict(zip(columns, values, strict=True)) for values in _predictions(job))
    files.write_csv(folder / "predictions.csv", columns, lines)
    (folder / WEIGHTS).unlink(missing_ok=True)
    if sum(array.size for array in job.weights.values()) <= KEPT[job.keep_weights]:
        # safetensors writes the memory as it lies, but reads it row by row
        ordered = {name: np.asarray(array, order="C") for name, array in job.weights.items()}
        files.write_bytes(folder / WEIGHTS, save(ordered))
    names = [*FILES, *(one.get("metrics", "") for one in result.get("search", ()))]
    seal.write(folder / RECORD, result, [name for name in names if (folder / name).is_file()])


def _predictions(job: Job) -> Iterator[list[Any]]:
    """Yield PREDICTIONS and the probability of each class, for every test clip. Classes: indices in frames.json's
    `classes`. siblings: clips of its class and source in train."""
    for row, probabilities in zip(job.fold.rows["test"], job.probabilities, strict=False):  # none if the run failed
        predicted = probabilities.argmax()
        texts = [f"{value:.9g}" for value in probabilities]
        fold = job.fold
        yield [fold.names[row], fold.labels[row], predicted, texts[predicted], fold.siblings[row], *texts]
