"""`thumbnail_lstm`: a dense LSTM on the thumbnail of every frame, small enough to store no more than FDHT-LSTM."""

from typing import Any

import baselines
from workflow.training.sanity import Declaration
from workflow.training.sanity.thumbnails import SIZE

PARAMETERS = ("hidden_size",)


def recurrent(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of baselines.build for `arguments` of this format."""
    return {**arguments, "format": "dense", "input_size": SIZE}


def declare(**arguments: Any) -> Declaration:
    return Declaration(**baselines.declare(**recurrent(arguments)).parameters())
