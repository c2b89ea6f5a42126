"""Train one run, from its specification to its record.

    python -m workflow.training.run --specification JSON_OR_FILE --data results/demo/data/demo \\
        --output results/demo/runs/demo/pixels/lstm/group/fold0/seed0 \\
        --checkpoint results/demo/checkpoints/demo/pixels/lstm/group/fold0/seed0

An interrupted run, even a killed one, resumes from its checkpoint when restarted and writes the same bytes. A
run that fails (NaN ...) is recorded with status `failed` and exits with status 0, so that the others continue.
Invalid input: print one sentence, exit with status 1, write nothing.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from typer import Option

from baselines import FORMATS
from baselines.naive import thumbnails
from workflow.experiments import run as runs
from workflow.experiments.training import PIXELS
from workflow.storage import files
from workflow.storage.command_line import command_line
from workflow.storage.lock import exclusive
from workflow.training import devices, environment, finished, record, scores
from workflow.training.data import check, load
from workflow.training.errors import RunFailure, log, out_of_memory
from workflow.training.job import Job


def main(
    specification: Annotated[str, Option(help="JSON text, or a JSON or YAML file")],
    data: Annotated[Path, Option(help="folder of frames.npy, clips.csv, splits.csv ...")],
    output: Annotated[Path, Option(help="folder of the record")],
    checkpoint: Annotated[Path, Option(help="folder that survives an interruption")],
    checkpoint_seconds: Annotated[float, Option(help="time between two checkpoints; 0: one per epoch")] = 30.0,
) -> None:
    run = runs.read(specification)
    with devices.slot(run.training.device):
        job = Job(run, load(data, run), output, checkpoint, checkpoint_seconds)
        parameters = run.parameters(len(job.fold.classes))  # InputError before anything is written
        with exclusive(checkpoint):  # if a pipeline was killed, its training process may still be running
            if finished.restore(output, checkpoint, job.fingerprint):
                log(f"{run.folder}: already finished; its record is restored")
                return
            (output / finished.RESULT).unlink(missing_ok=True)
            with job.interruption.watched():  # a signal must not cost a finished run its record
                train(job)
                record.write(job, parameters)
                if job.result["status"] == "ok":
                    finished.keep(output, checkpoint, job.fingerprint)
                else:
                    log(f"FAILED {run.folder}: {job.result['failure']}")
                shutil.rmtree(checkpoint, ignore_errors=True)


def train(job: Job) -> None:
    """Train or fit the model."""
    try:
        check(job.fold, job.run)
        if fit := FORMATS[job.run.recurrent["format"]].fit:
            fit_at_once(job, fit)
        else:
            from workflow.training import loop  # imports torch, which takes seconds

            loop.train(job)
    except RunFailure as failure:
        job.result |= {"status": "failed", "failure": str(failure)}
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        job.result |= {"status": "failed", "failure": "out of memory: the model and its clips do not fit"}


def fit_at_once(job: Job, fit: Callable[..., tuple[Any, dict[str, Any]]]) -> None:
    """Fit on the training clips, then set the result, weights and probabilities of `job`. fit: see `baselines`."""
    fold, run = job.fold, job.run
    scale, shift = PIXELS[run.training.normalisation]
    x = {part: thumbnails.of_clips(fold.clips, rows, fold.lengths, scale, shift) for part, rows in fold.rows.items()}
    y = {part: fold.labels[rows] for part, rows in fold.rows.items()}
    began = time.perf_counter()
    estimator, job.weights = fit(x["train"], y["train"], x["validation"], y["validation"])
    seconds = time.perf_counter() - began
    job.interruption.worth_saving = True
    job.probabilities = estimator.predict_proba(x["test"])
    summary = scores.summary(y["test"], job.probabilities)
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
    files.write_text(job.output / record.METRICS, "")  # no epochs: drop what an earlier run may have left here
    log(f"{run.folder}: test accuracy {summary['test_accuracy']:.3f}")


if __name__ == "__main__":
    command_line(main)
