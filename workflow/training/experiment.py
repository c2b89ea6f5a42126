"""Train an experiment: every fold and seed that has no intact record of the present specification, data and code.

    python -m workflow.training.experiment --specification JSON_OR_FILE --fold 0 --fold 1 --seed 0 \\
        --data results/demo/data/demo --results results/demo

An interrupted run, even a killed one, resumes from its checkpoint when the experiment is started again, and writes the
same bytes. A run that fails (NaN ...) is recorded and the others go on. experiment.json is written last.
Invalid input: print one sentence, exit with status 1, write nothing.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Option

from baselines import FORMATS
from workflow.experiments import experiment
from workflow.experiments import run as specifications
from workflow.experiments.record import Keep
from workflow.storage.command_line import command_line
from workflow.storage.lock import exclusive
from workflow.training import devices, environment, run
from workflow.training.data import load
from workflow.training.errors import log
from workflow.training.job import Interruption, Job


def main(
    specification: Annotated[str, Option(help="JSON text, or a JSON or YAML file")],
    fold: Annotated[list[int], Option(help="folds; may be repeated")],
    seed: Annotated[list[int], Option(help="seeds; may be repeated")],
    data: Annotated[Path, Option(help="folder of frames.npy, clips.csv, splits.csv ...")],
    results: Annotated[Path, Option(help="folder of runs/ and of checkpoints/")],
    keep_weights: Annotated[Keep, Option(help="which records get model.safetensors")] = "all",
    checkpoint_seconds: Annotated[float, Option(help="time between two checkpoints; 0: one per epoch")] = 30.0,
) -> None:
    runs = specifications.read(specification, fold, seed)
    first = runs[0]
    loaded = load(data, first.front_end)
    folds = {run.fold: loaded.fold(run) for run in runs}
    first.parameters(len(loaded.classes))  # InputError before anything is written
    now = experiment.origin(first, data)
    codes = experiment.accepted(now[experiment.CODE], results)
    folder, checkpoints = results / "runs" / first.experiment, results / "checkpoints" / first.experiment
    interruption = Interruption()

    def is_done(run: specifications.Run) -> bool:
        return experiment.is_current(folder, run, now, codes)

    left = [run for run in runs if not is_done(run)]
    log(f"{first.experiment}: {len(runs) - len(left)} of {len(runs)} runs are done")
    needs_device = left and not FORMATS[first.recurrent["format"]].fitted
    with interruption.watched(), devices.slot(first.training.device) if needs_device else nullcontext():
        about = environment.capture()  # after the device has been chosen
        jobs = [
            Job(
                run=run,
                fold=folds[run.fold],
                output=folder / run.place,
                checkpoints=checkpoints / run.place,
                code=now[experiment.CODE],
                checkpoint_seconds=checkpoint_seconds,
                interruption=interruption,
                environment=deepcopy(about),
                keep_weights=keep_weights,
            )
            for run in left
        ]
        train(jobs, is_done)
    experiment.write(folder, first, now, codes)


def train(jobs: list[Job], is_done: Callable[[specifications.Run], bool]) -> None:
    """Train or fit all runs; each leaves a record."""

    def complete(job: Job) -> Iterator[int]:
        with exclusive(job.checkpoints):  # the process of a killed pipeline may still be training this run
            if not is_done(job.run):
                yield from run.complete(job)

    if not jobs or FORMATS[jobs[0].run.recurrent["format"]].fitted:
        for job in jobs:
            job.interruption.leave_if_asked()
            deque(complete(job), maxlen=0)
    else:
        from workflow.training import feed, side_by_side  # import torch, which takes seconds

        clips = feed.shared(jobs[0].fold.clips, jobs[0].run)
        for job in jobs:
            job.fold = replace(job.fold, clips=clips)
        side_by_side.train(jobs, complete)


if __name__ == "__main__":
    command_line(main)
