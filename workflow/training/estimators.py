"""One run of a sanity baseline that scikit-learn fits at once: no epochs, the same scores, the same record."""

import resource
import sys
import time
from pathlib import Path
from typing import Any

from safetensors.numpy import save

from baselines import FORMATS
from baselines.naive import thumbnails
from workflow.experiments.run import Run
from workflow.experiments.training import PIXELS
from workflow.storage import files
from workflow.training import environment, record, scores, seeds
from workflow.training.checkpoint import Checkpoints
from workflow.training.data import Fold


def run(
    run: Run,
    fold: Fold,
    output: Path,
    checkpoints: Checkpoints,
    base: dict[str, Any],
    captured: dict[str, Any],
    checkpoint_seconds: float,
) -> None:
    """Fit and write the record to `output`; the arguments are those of experiment.run."""
    x, y = {}, {}
    for part, rows in fold.rows.items():
        x[part] = thumbnails.of_clips(fold.clips, rows, fold.lengths, *PIXELS[run.training.normalisation])
        y[part] = fold.labels[rows]
    fit = FORMATS[run.recurrent["format"]].fit
    began = time.perf_counter()
    estimator, arrays = fit(x["train"], y["train"], x["validation"], y["validation"])
    seconds = time.perf_counter() - began
    chances = estimator.predict_proba(x["test"])
    summary = scores.summary(y["test"], chances)
    result = {
        **base,
        "status": "ok",
        **summary,
        "best_epoch_accuracy": summary["test_accuracy"],  # nothing to choose from
        "validation_accuracy": float(estimator.score(x["validation"], y["validation"])),
        "train_accuracy": float(estimator.score(x["train"], y["train"])),
        "epochs": 0,
        "best_epoch": None,
        "train_seconds": seconds,
        "step_ms": None,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10,
        "device": f"CPU {environment.cpu_model()}".strip(),
    }
    captured |= {"seeds": seeds.all_of(run.folder)}
    files.write_text(output / "metrics.jsonl", "")
    record.write(output, run, result, captured, fold, chances, save(arrays))
    print(f"{run.folder}: test accuracy {result['test_accuracy']:.3f}", file=sys.stderr)
