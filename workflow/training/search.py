"""A search of settings: train a run with each of its candidates and keep the one that is best on validation clips.

The candidates have the same initial weights, order of clips and dropout. A finished one leaves its last checkpoint, so
an interrupted search continues with the candidate at which it stopped.
"""

from collections.abc import Iterator
from typing import Any

from workflow.experiments import curves
from workflow.storage import files
from workflow.training import loop, scores
from workflow.training.errors import RunFailure, log
from workflow.training.job import Job
from workflow.training.record import METRICS, SEARCHED


def train(job: Job) -> Iterator[int]:
    """Train all candidates; the results of the best go to `job`. Raise RunFailure if all of them fail.

    Yield as `loop.train` does.
    """
    run, checkpoints = job.run, job.checkpoints
    if not len(job.fold.rows["validation"]):
        raise RunFailure(f"a search needs validation clips, and fold {run.fold} of protocol {run.protocol} has none")
    candidates = run.training.candidates
    tried: list[dict[str, Any]] = []  # `search` of result.json
    results: list[dict[str, Any]] = []
    best = None
    for number, settings in enumerate(candidates):
        values = {name: getattr(settings, name) for name in run.training.search}
        log(f"{run.folder}: candidate {number + 1} of {len(candidates)}: {values}")
        job.run, job.checkpoints = run.model_copy(update={"training": settings}), checkpoints / str(number)
        job.result = {}
        entry: dict[str, Any] = {"settings": values}
        try:
            with job.fits():
                yield from loop.train(job, keep=True)
        except RunFailure as failure:
            entry["failure"] = str(failure)
        finally:
            job.run, job.checkpoints = run, checkpoints
        results.append(job.result)
        tried.append(entry | {"epochs": job.result.get("epochs", 0)} | _metrics(job, number))
        if "failure" not in entry and scores.chosen([one for one in tried if "failure" not in one]) is tried[-1]:
            best = number, job.weights, job.probabilities
    sums = {name: sum(result.get(name, 0) for result in results) for name in ("train_seconds", "interruptions")}
    if best is None:
        job.result = {**results[0], **sums, "search": tried}
        raise RunFailure(f"every candidate of the search failed; the first: {tried[0]['failure']}")
    number, job.weights, job.probabilities = best
    job.result = {**results[number], **sums, "search": tried, "searched": number}
    files.write_text(job.output / METRICS, (job.output / tried[number]["metrics"]).read_text())


def _metrics(job: Job, number: int) -> dict[str, Any]:
    """Rename the metrics of a candidate; return their name, and accuracy and loss on validation clips at the chosen
    epoch. Empty if it failed before it had metrics."""
    if not (job.output / METRICS).is_file():
        return {}
    name = SEARCHED.format(number)
    (job.output / METRICS).replace(job.output / name)
    epochs = curves.read(job.output / name)
    chosen = scores.chosen(epochs) if epochs else {}
    return {"metrics": name, **{key: chosen.get(key) for key in ("validation_accuracy", "validation_loss")}}
