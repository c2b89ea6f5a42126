"""The numbers that a run stores, from its declaration alone. Torch-free."""

import baselines
from baselines.naive import thumbnails
from workflow.datasets.front_ends import FRONT_ENDS
from workflow.experiments.run import Run
from workflow.storage.errors import InputError


def parameters(run: Run, classes: int) -> dict[str, int]:
    """Count W, U, bias and classifier. InputError if the format refuses the declaration."""
    try:
        declared = baselines.declare(**run.recurrent)
    except (ValueError, TypeError) as error:
        raise InputError(f"recurrent: {error}") from None
    frames = FRONT_ENDS[run.front_end].extractor is None
    features = thumbnails.SIZE if frames else run.recurrent["input_size"]
    return {**declared.parameters(), "classifier": declared.classifier(classes, features)}
