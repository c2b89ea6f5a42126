"""Numbers that a run stores, from its declaration alone: no data, no torch."""

import baselines
from baselines.naive import thumbnails
from workflow.experiments.run import Run
from workflow.training.errors import InputError


def parameters(run: Run, classes: int) -> dict[str, int]:
    """W, U, bias and classifier. InputError for a declaration that its format refuses."""
    arguments = run.recurrent
    try:
        declared = baselines.declare(**arguments)
    except (ValueError, TypeError) as error:
        raise InputError(f"recurrent: {error}") from None
    features = thumbnails.SIZE if run.front_end == "pixels" else arguments["input_size"]
    return {**declared.parameters(), "classifier": declared.classifier(classes, features)}
