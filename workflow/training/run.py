"""One run, from its specification to its record:

    python -m workflow.training.run --specification JSON_OR_FILE --data results/demo/data/demo \\
        --output results/demo/runs/demo/pixels/lstm/group/fold0/seed0 \\
        --checkpoint results/demo/checkpoints/demo/pixels/lstm/group/fold0/seed0

Interrupted (even killed) and started again, it goes on from its checkpoint and ends with the same bytes. An
experiment that fails (NaN ...) is recorded with status `failed` and exit code 0, so that the others go on; input
that cannot be used is told in one sentence with exit code 1, and nothing is written.
"""

import argparse
import hashlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from baselines import FORMATS
from workflow.experiments import sources
from workflow.experiments.problems import ConfigurationError
from workflow.experiments.run import Run, read
from workflow.storage.lock import exclusive
from workflow.storage.seal import DamagedError
from workflow.training import checkpoint, data, declared, devices, environment, finished, record
from workflow.training.errors import InputError, Interrupted, RunFailure, out_of_memory


def perform(run: Run, folder: Path, output: Path, kept: Path, seconds: float = 30.0) -> None:
    """Train `run` on the data in `folder`; see the module's text. `seconds`: between two checkpoints."""
    fold = data.load(folder, run)
    captured = environment.capture()
    base = {
        **record.EMPTY,
        **run.identity,
        "family": run.family,
        "recipe": run.recipe,
        "parameters": declared.parameters(run, len(fold.classes)),
        "clips": {part: len(rows) for part, rows in fold.rows.items()},
        "classes": fold.classes,
        "precision": run.training.precision,
        "data_digest": fold.data_digest,
        "split_digest": fold.split_digest,
        "git_commit": captured["git"]["commit"],
    }
    fingerprint = _fingerprint(run, fold, captured)
    checkpoints = checkpoint.Checkpoints(kept, fingerprint)
    with exclusive(kept):  # a trainer whose pipeline was killed may still be at it
        if finished.restore(output, kept, fingerprint):
            print(f"{run.folder}: had ended already; its record is restored", file=sys.stderr)
            return
        (output / finished.RESULT).unlink(missing_ok=True)  # until it is true again
        reason = _outcome(run, fold, output, checkpoints, base, captured, seconds)
        if reason is None:
            finished.keep(output, kept, fingerprint)
        else:
            record.write_failure(output, run, base, captured, fold, reason)
            print(f"FAILED {run.folder}: {reason}", file=sys.stderr, flush=True)
        checkpoints.remove()


def _outcome(
    run: Run,
    fold: data.Fold,
    output: Path,
    checkpoints: checkpoint.Checkpoints,
    base: dict[str, Any],
    captured: dict[str, Any],
    seconds: float,
) -> str | None:
    """Train and record; why the experiment failed, or None."""
    try:
        data.check(fold, run)
        how = _estimators() if FORMATS[run.recurrent["format"]].fitted else _experiment()
        how.run(run, fold, output, checkpoints, base, captured, seconds)
        return None
    except RunFailure as failure:
        return str(failure)
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        return "out of memory before the first step: the model and its clips do not fit"


def modules(format_: str) -> tuple[str, str]:
    """What a run of a format executes, without the files of other formats."""
    return "workflow.training.run", FORMATS[format_].module


def _estimators() -> ModuleType:
    from workflow.training import estimators

    return estimators


def _experiment() -> ModuleType:
    """Imports torch, which takes a second or two; the fitted baselines do without."""
    from workflow.training import experiment

    return experiment


def _fingerprint(run: Run, fold: data.Fold, captured: dict[str, Any]) -> dict[str, Any]:
    """What must be the same for a run to be continued: what it computes, from what, with which code."""
    return {
        "specification": run.plain,
        "data": fold.data_digest,
        "split": fold.split_digest,
        "torch": captured["packages"]["torch"],
        "code": hashlib.sha256(sources.listing(*modules(run.recurrent["format"])).encode()).hexdigest(),
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--specification", required=True, help="JSON text, or a JSON or YAML file")
    parser.add_argument("--data", required=True, type=Path, help="folder of frames.npy, clips.csv, splits.csv ...")
    parser.add_argument("--output", required=True, type=Path, help="folder of the record")
    parser.add_argument("--checkpoint", required=True, type=Path, help="folder that survives an interruption")
    parser.add_argument(
        "--checkpoint-seconds", type=float, default=30.0, help="between two checkpoints; 0: one an epoch"
    )
    options = parser.parse_args(arguments)
    try:
        run = read(options.specification)
        with devices.slot(run.training.device):
            perform(run, options.data, options.output, options.checkpoint, options.checkpoint_seconds)
    except (InputError, ConfigurationError, DamagedError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # a full disk, a folder that may not be written
        print(f"error: {run.folder}: {error}", file=sys.stderr)
        return 1
    except Interrupted as interruption:
        print(f"interrupted; the next start goes on from {options.checkpoint}", file=sys.stderr)
        return 128 + interruption.signal
    return 0


if __name__ == "__main__":
    sys.exit(main())
