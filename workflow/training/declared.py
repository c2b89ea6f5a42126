"""Numbers that a run stores, from its declaration alone: no data, no torch."""

import baselines
from baselines.naive import thumbnails
from workflow.training.errors import InputError
from workflow.training.settings import Specification


def parameters(specification: Specification, classes: int) -> dict[str, int]:
    """W, U, bias and classifier. InputError for a declaration that its format refuses."""
    arguments = specification.recurrent
    try:
        declared = baselines.declare(**arguments)
    except (ValueError, TypeError) as error:
        raise InputError(f"recurrent: {error}") from None
    features = thumbnails.SIZE if specification.front_end == "pixels" else arguments["input_size"]
    return {**declared.parameters(), "classifier": declared.classifier(classes, features)}
