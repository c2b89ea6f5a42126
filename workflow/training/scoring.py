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
from workflow.training import environment, model, scores
from workflow.training.data import Fold
from workflow.training.feed import Feed
from workflow.training.loop import EVALUATED_FRAMES
from workflow.training.record import WEIGHTS
from workflow.training.step import Step

prepare = cache(environment.prepare)  # logs its choice once


def probabilities(run: Run, record: Record, folder: Path, fold: Fold) -> np.ndarray:
    """Return the probabilities (n, C) of the test clips of a fold whose `clips` come from `feed.shared`.

    folder: of the run's record. The device is a GPU if there is one, unless the run is for the CPU. Batches are those
    of training, which scores validation clips first: in others, numbers are rounded otherwise. Raise DamagedError if
    the weights have changed since training, InputError if they are another model's.
    """
    seal.require(folder / RECORD, (WEIGHTS,))
    if record.searched is not None:
        run = run.model_copy(update={"training": run.training.candidates[record.searched]})
    settings, path = run.training, folder / WEIGHTS
    device, _ = prepare("cpu" if settings.device == "cpu" else "auto", settings.precision)
    classifier, feed = model.build(run, len(record.classes)), Feed(fold, device)
    try:
        classifier.load_state_dict(load_file(path))
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: not the weights of {run.model} as the code builds it ({reason})") from None
    step = Step(classifier.to(device), settings, feed.select)
    size = step.clips["scoring"] = max(settings.batch_size, EVALUATED_FRAMES // fold.clips.shape[1])
    rows = np.concatenate([fold.rows[part] for part in ("validation", "test") if part in fold.rows])
    logits = torch.cat([step.logits(chunk) for chunk in feed.rows(list(torch.from_numpy(rows).split(size)))])
    return scores.softmax(logits[-len(fold.rows["test"]) :].cpu().numpy().astype(np.float64))
