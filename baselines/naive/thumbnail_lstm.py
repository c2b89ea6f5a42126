"""`thumbnail_lstm`: a dense LSTM on the thumbnail of every frame, small enough to store no more than FDHT-LSTM."""

from dataclasses import replace
from typing import Any

import baselines
from baselines import dense
from baselines.naive import Declaration
from baselines.naive.thumbnails import SIZE, of_frames
from workflow.training.data import Fold
from workflow.training.settings import Specification

PARAMETERS = ("hidden_size",)


def recurrent(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of baselines.build for `arguments` of this format."""
    return {**arguments, "format": dense.__name__.rpartition(".")[2], "input_size": SIZE}


def declare(**arguments: Any) -> Declaration:
    return Declaration(**baselines.declare(**recurrent(arguments)).parameters())


def classifier_inputs(specification: Specification) -> int:
    return specification.recurrent["hidden_size"]


def prepare(fold: Fold, normalisation: str) -> Fold:
    """The same fold with thumbnails in place of its frames."""
    return replace(fold, clips=of_frames(fold.clips, normalisation))
