"""Score clips with the model of a finished run, from its model.safetensors."""

from functools import cache
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from workflow.experiments.record import RECORD, Record
from workflow.experiments.run import Run
from workflow.storage import seal
from workflow.storage.errors import InputError
from workflow.training import environment, scores
from workflow.training.data import Fold
from workflow.training.feed import Feed
from workflow.training.loop import EVALUATED_FRAMES
from workflow.training.record import WEIGHTS
from workflow.training.step import Step, build

prepare = cache(environment.prepare)  # logs its choice once


def load(run: Run, record: Record, folder: Path) -> Step:
    """Return the run's model with the weights in `folder`, on a GPU if there is one, unless the run is for the CPU.

    Raise DamagedError if the file has changed since training, InputError if it holds another model's weights.
    """
    path = folder / WEIGHTS
    seal.require(folder / RECORD, (WEIGHTS,))
    if record.searched is not None:
        run = run.model_copy(update={"training": run.training.candidates[record.searched]})
    device, _ = prepare("cpu" if run.training.device == "cpu" else "auto", run.training.precision)
    step = build(run, len(record.classes), device)
    try:
        step.model.load_state_dict(load_file(path))
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: not the weights of {run.model} as the code builds it ({reason})") from None
    return step


def probabilities(step: Step, fold: Fold) -> np.ndarray:
    """Return the probabilities (n, C) of the test clips of a fold whose `clips` come from `feed.shared`.

    The batches are those of training, which also scores validation clips: others would be rounded otherwise.
    """
    size = step.clips["scoring"] = max(step.clips["training"], EVALUATED_FRAMES // fold.clips.shape[1])
    rows = np.concatenate([fold.rows[part] for part in ("validation", "test") if part in fold.rows])
    logits = [step.logits(batch) for batch in Feed(fold, step.device).batches(list(torch.from_numpy(rows).split(size)))]
    return scores.softmax(torch.cat(logits)[-len(fold.rows["test"]) :].cpu().numpy().astype(np.float64))
