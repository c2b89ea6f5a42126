"""Train or fit one run, and write its record. A run that fails (NaN ...) is recorded with status `failed`."""

import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

from baselines import FORMATS
from baselines.naive import thumbnails
from workflow.datasets.front_ends.pixels import NORMALISATIONS
from workflow.experiments.record import RECORD
from workflow.storage import files
from workflow.training import environment, record, scores
from workflow.training.data import check
from workflow.training.errors import RunFailure, log
from workflow.training.job import Job


def complete(job: Job) -> Iterator[int]:
    """Train or fit the run, from its checkpoint if there is one, and write its record. The caller holds the run's lock.

    Yield after each step, as `loop.train` does.
    """
    (job.output / RECORD).unlink(missing_ok=True)
    for metrics in job.output.glob("*.jsonl"):  # of an earlier record; a checkpoint has those of its own run
        metrics.unlink()
    try:
        check(job.fold, job.run)
        with job.fits():
            if fit := FORMATS[job.run.recurrent["format"]].fit:
                fit_at_once(job, fit)
            else:
                yield from _train_by_epochs(job)
    except RunFailure as failure:
        job.result |= {"status": "failed", "failure": str(failure)}
        job.weights, job.probabilities = {}, job.probabilities[:0]
    record.write(job, job.run.parameters(len(job.fold.classes)))
    if job.result["status"] != "ok":
        log(f"FAILED {job.run.folder}: {job.result['failure']}")
    shutil.rmtree(job.checkpoints, ignore_errors=True)


def _train_by_epochs(job: Job) -> Iterator[int]:
    import torch  # takes seconds, which a fitted baseline does not need

    from workflow.training import loop, search

    threads = torch.get_num_threads()
    try:
        yield from search.train(job) if job.run.training.search else loop.train(job)
    finally:
        torch.set_num_threads(threads)  # a resumed run keeps the number that it began with


def fit_at_once(job: Job, fit: Callable[..., tuple[Any, dict[str, Any]]]) -> None:
    """Fit on the training clips, then set the result, weights and probabilities of `job`. fit: see `baselines`."""
    fold, run = job.fold, job.run
    scale, shift = NORMALISATIONS[run.training.normalisation]
    used = {part: rows for part, rows in fold.rows.items() if len(rows)}
    x = {part: thumbnails.of_clips(fold.clips, rows, fold.lengths, scale, shift) for part, rows in used.items()}
    y = {part: fold.labels[rows] for part, rows in used.items()}
    began = time.perf_counter()
    try:
        estimator, job.weights = fit(x["train"], y["train"], x.get("validation"), y.get("validation"))
    except ValueError as error:  # too few clips or classes
        raise RunFailure(f"it cannot be fitted: {error}") from error
    seconds = time.perf_counter() - began
    job.interruption.worth_saving = True
    job.probabilities = estimator.predict_proba(x["test"])
    summary = scores.summary(y["test"], job.probabilities)
    accuracies = {part: float(estimator.score(x[part], y[part])) for part in used if part != "test"}
    job.result = {
        "status": "ok",
        **summary,
        "test_accuracy": summary["test_accuracy"] if "validation" in used else None,
        "final_epoch_accuracy": summary["test_accuracy"],  # there are no epochs to choose from
        "best_epoch_accuracy": summary["test_accuracy"],
        **{f"{part}_accuracy": accuracies.get(part) for part in ("validation", "train")},
        "train_seconds": seconds,
        "peak_memory_mb": environment.peak_memory_mb(),
        "device": environment.device_name(),
    }
    files.write_text(job.output / record.METRICS, "")  # no epochs
    log(f"{run.folder}: test accuracy {summary['test_accuracy']:.3f}")
