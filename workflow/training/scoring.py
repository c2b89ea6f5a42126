"""Score clips with the model of a finished run, from its model.safetensors."""

from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, numpy
from safetensors.torch import load_file

from baselines import FORMATS
from baselines.naive import thumbnails
from workflow.datasets.front_ends.pixels import NORMALISATIONS
from workflow.experiments.record import RECORD, WEIGHTS, Record
from workflow.experiments.run import Run
from workflow.storage import seal
from workflow.storage.errors import InputError
from workflow.training import environment, feed, model, scores
from workflow.training.data import Fold
from workflow.training.errors import log
from workflow.training.step import Step

prepare = partial(environment.prepare, say=cache(log))  # says its choice once


def shared(clips: np.ndarray, run: Run) -> Any:
    """Return the clips as `probabilities` takes them: as stored for a model that is fitted in one call."""
    return clips if FORMATS[run.recurrent["format"]].fitted else feed.shared(clips, run)


def probabilities(run: Run, record: Record, folder: Path, fold: Fold) -> np.ndarray:
    """Return the probabilities (n, C) of the test clips of a fold whose `clips` come from `shared`.

    folder: of the run's record. The device is a GPU if there is one, unless the run is for the CPU.
    Raise DamagedError if the weights have changed since training, InputError if they are another model's.
    """
    seal.require(folder / RECORD, (WEIGHTS,))
    if restore := FORMATS[run.recurrent["format"]].restore:
        seen = fold.rows["test"], fold.lengths, *NORMALISATIONS[run.training.normalisation]
        try:
            return restore(numpy.load_file(folder / WEIGHTS)).predict_proba(thumbnails.of_clips(fold.clips, *seen))
        except (KeyError, ValueError, SafetensorError) as error:
            raise InputError(f"{folder / WEIGHTS}: not the weights of {run.model} ({error})") from None
    if record.searched is not None:
        run = run.model_copy(update={"training": run.training.candidates[record.searched]})
    settings, path = run.training, folder / WEIGHTS
    device, _ = prepare("cpu" if settings.device == "cpu" else "auto", settings.precision)
    classifier, source = model.build(run, len(record.classes)), feed.Feed(fold, device)
    try:
        classifier.load_state_dict(load_file(path))
    except (RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: not the weights of {run.model} as the code builds it ({reason})") from None
    step = Step(classifier.to(device), settings, source.select)
    batches, step.clips["scoring"] = feed.scored(fold, settings.batch_size)
    logits = torch.cat([step.logits(rows) for rows in source.rows(batches)])
    return scores.softmax(logits[-len(fold.rows["test"]) :].cpu().numpy().astype(np.float64))
