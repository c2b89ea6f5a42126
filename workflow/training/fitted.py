"""One run of a naive baseline that scikit-learn fits at once: no epochs, the same scores and the same record."""

import time

from baselines import FORMATS
from baselines.naive import thumbnails
from workflow.experiments.training import PIXELS
from workflow.storage import files
from workflow.training import environment, scores
from workflow.training.errors import log
from workflow.training.job import Job
from workflow.training.record import METRICS


def fit(job: Job) -> None:
    """Fit the baseline to the training part and score it."""
    fold, run = job.fold, job.run
    pixels = PIXELS[run.training.normalisation]
    fit = FORMATS[run.recurrent["format"]].fit
    assert fit is not None
    x = {part: thumbnails.of_clips(fold.clips, rows, fold.lengths, *pixels) for part, rows in fold.rows.items()}
    y = {part: fold.labels[rows] for part, rows in fold.rows.items()}
    began = time.perf_counter()
    estimator, weights = fit(x["train"], y["train"], x["validation"], y["validation"])
    seconds = time.perf_counter() - began
    job.interruption.worth_saving = True
    chances = estimator.predict_proba(x["test"])
    summary = scores.summary(y["test"], chances)
    job.weights, job.probabilities = weights, chances
    job.result = {
        "status": "ok",
        **summary,
        "best_epoch_accuracy": summary["test_accuracy"],  # there are no epochs to choose from
        "validation_accuracy": float(estimator.score(x["validation"], y["validation"])),
        "train_accuracy": float(estimator.score(x["train"], y["train"])),
        "train_seconds": seconds,
        "peak_memory_mb": environment.peak_memory_mb(),
        "device": environment.device_name(),
    }
    files.write_text(job.output / METRICS, "")
    log(f"{run.folder}: test accuracy {summary['test_accuracy']:.3f}")
