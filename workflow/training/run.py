"""Train one run, from its specification to its record:

    python -m workflow.training.run --specification JSON_OR_FILE --data results/demo/data/demo \\
        --output results/demo/runs/demo/pixels/lstm/group/fold0/seed0 \\
        --checkpoint results/demo/checkpoints/demo/pixels/lstm/group/fold0/seed0

If it is interrupted, even killed, and started again, it resumes from its checkpoint and ends with the same bytes. A
run that fails (NaN ...) is recorded with status `failed` and exits with status 0, so that the others continue.
Invalid input: print one sentence, exit with status 1, write nothing.
"""

import argparse
import shutil
import sys
from pathlib import Path

from baselines import FORMATS
from workflow.experiments.run import Run, read
from workflow.storage.errors import InputError
from workflow.storage.lock import exclusive
from workflow.training import data, declared, devices, finished, record
from workflow.training.errors import Interrupted, RunFailure
from workflow.training.interruption import watched
from workflow.training.job import Job, Outcome, failed


def perform(run: Run, folder: Path, output: Path, checkpoints: Path, seconds: float = 30.0) -> None:
    """Train `run` on the data in `folder` and write its record to `output`; see the module's documentation."""
    job = Job(run, data.load(folder, run), output, checkpoints, seconds)
    parameters = declared.parameters(run, len(job.fold.classes))  # InputError before anything is written
    with exclusive(checkpoints):  # if a pipeline was killed, its training process may still be running
        if finished.restore(output, checkpoints, job.fingerprint):
            print(f"{run.folder}: already finished; its record is restored", file=sys.stderr)
            return
        (output / finished.RESULT).unlink(missing_ok=True)
        with watched(job.interruption):  # a signal must not cost a finished run its record
            outcome = train(job)
            record.write(job, parameters, outcome)
            if outcome.result["status"] == "ok":
                finished.keep(output, checkpoints, job.fingerprint)
            else:
                print(f"FAILED {run.folder}: {outcome.result['failure']}", file=sys.stderr, flush=True)
            shutil.rmtree(checkpoints, ignore_errors=True)


def train(job: Job) -> Outcome:
    """Train or fit the model."""
    try:
        data.check(job.fold, job.run)
        if FORMATS[job.run.recurrent["format"]].fitted:
            from workflow.training import fitted

            return fitted.fit(job)
        from workflow.training import experiment  # imports torch, which takes seconds

        return experiment.train(job)
    except RunFailure as failure:
        return Outcome(failed(failure))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--specification", required=True, help="JSON text, or a JSON or YAML file")
    parser.add_argument("--data", required=True, type=Path, help="folder of frames.npy, clips.csv, splits.csv ...")
    parser.add_argument("--output", required=True, type=Path, help="folder of the record")
    parser.add_argument("--checkpoint", required=True, type=Path, help="folder that survives an interruption")
    parser.add_argument(
        "--checkpoint-seconds", type=float, default=30.0, help="time between two checkpoints; 0: one per epoch"
    )
    options = parser.parse_args(arguments)
    try:
        run = read(options.specification)
        with devices.slot(run.training.device):
            perform(run, options.data, options.output, options.checkpoint, options.checkpoint_seconds)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # a full disk, a folder without write permission
        print(f"error: {run.folder}: {error}", file=sys.stderr)
        return 1
    except Interrupted as interruption:
        print(f"interrupted; the next start resumes from {options.checkpoint}", file=sys.stderr)
        return 128 + interruption.signal
    return 0


if __name__ == "__main__":
    sys.exit(main())
