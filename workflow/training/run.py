"""One run, from its specification to its record:

    python -m workflow.training.run --specification JSON_OR_FILE --data results/demo/data/demo \\
        --output results/demo/runs/demo/pixels/lstm/group/fold0/seed0 \\
        --checkpoint results/demo/checkpoints/demo/pixels/lstm/group/fold0/seed0

Interrupted (even killed) and started again, it goes on from its checkpoint and ends with the same bytes. An
experiment that fails (NaN ...) is recorded with status `failed` and exit code 0, so that the others go on; input
that cannot be used is told in one sentence with exit code 1, and nothing is written.
"""

import argparse
import os
import sys
from pathlib import Path

from workflow.training import checkpoint, data, devices, environment, sanity, settings
from workflow.training.errors import InputError, Interrupted, RunFailure

NOT_TRAINED = {"chance", "linear", "nearest_neighbour"}


def run(specification: settings.Specification, folder: Path, output: Path, kept: Path, seconds: float = 30.0) -> None:
    """Train `specification` on the data in `folder`; see the module's text. `seconds`: between two checkpoints."""
    fold = data.load(folder, specification)
    captured = environment.capture()
    base = _base(specification, fold, captured)
    checkpoints = checkpoint.Checkpoints(kept, _fingerprint(specification, fold, captured))
    if specification.recurrent["format"] in NOT_TRAINED:
        from workflow.training import estimators as how
    else:
        # before CUDA starts, which reads it once
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        from workflow.training import experiment as how
    how.run(specification, fold, output, checkpoints, base, captured, seconds)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--specification", required=True, help="JSON text, or a JSON or YAML file")
    parser.add_argument("--data", required=True, type=Path, help="folder of frames.npy, clips.csv, splits.csv ...")
    parser.add_argument("--output", required=True, type=Path, help="folder of the record")
    parser.add_argument("--checkpoint", required=True, type=Path, help="folder that survives an interruption")
    parser.add_argument("--checkpoint-seconds", type=float, default=30.0, help="between two checkpoints (default 30)")
    options = parser.parse_args(arguments)
    try:
        specification = settings.read(options.specification)
        with devices.slot(specification.training.device):
            run(specification, options.data, options.output, options.checkpoint, options.checkpoint_seconds)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except Interrupted as interruption:
        print(f"interrupted; saved to {options.checkpoint}, the next start goes on from there", file=sys.stderr)
        return 128 + interruption.signal
    return 0
