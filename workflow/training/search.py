"""A search of settings: train a run with each of its candidates and keep the one that is best on validation clips.

The candidates have the same initial weights, order of clips and dropout. A finished one leaves its last checkpoint, so
an interrupted search continues with the candidate that it was at.
"""

from typing import Any

from workflow.experiments import curves
from workflow.storage import files
from workflow.training import loop, scores
from workflow.training.errors import RunFailure, log
from workflow.training.job import Job
from workflow.training.record import METRICS, SEARCHED


def train(job: Job) -> None:
    """Train all candidates; the results of the best go to `job`. Raise RunFailure if all of them fail."""
    run, checkpoints = job.run, job.checkpoints
    tried: list[dict[str, Any]] = []
    results, winner = [], None
    candidates = run.training.candidates
    for number, settings in enumerate(candidates):
        values = {name: getattr(settings, name) for name in run.training.search}
        log(f"{run.folder}: candidate {number + 1} of {len(candidates)}: {values}")
        tried.append({"settings": values})
        job.run, job.checkpoints = run.model_copy(update={"training": settings}), checkpoints / str(number)
        try:
            loop.train(job, keep=True)
        except RunFailure as failure:
            tried[-1]["failure"] = str(failure)
        finally:
            job.run, job.checkpoints = run, checkpoints
        if (job.output / METRICS).is_file():  # not if it failed before its first epoch
            tried[-1]["metrics"] = SEARCHED.format(number)
            (job.output / METRICS).replace(job.output / tried[-1]["metrics"])
        results.append(job.result)
        if "failure" not in tried[-1]:
            chosen = scores.chosen(curves.read(job.output / tried[-1]["metrics"]))
            tried[-1] |= {name: chosen[name] for name in ("validation_accuracy", "validation_loss")}
            trained = [one for one in tried if "failure" not in one]
            if scores.chosen(trained) is tried[-1]:
                winner = number, job.weights, job.probabilities
    sums = {name: sum(result.get(name, 0) for result in results) for name in ("train_seconds", "interruptions")}
    job.result = {**results[-1], **sums, "search": tried}
    if winner is None:
        raise RunFailure(f"every candidate of the search failed; the first: {tried[0]['failure']}")
    number, job.weights, job.probabilities = winner
    job.result |= {**results[number], **sums, "searched": number}
    files.write_text(job.output / METRICS, (job.output / tried[number]["metrics"]).read_text())
