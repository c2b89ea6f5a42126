"""Numbers that a run stores, from its declaration alone: no data, no torch."""

import baselines
from baselines import naive
from workflow.training.errors import InputError
from workflow.training.settings import Specification


def parameters(specification: Specification, classes: int) -> dict[str, int]:
    """W, U, bias and classifier. InputError for a declaration that its format refuses."""
    arguments = specification.recurrent
    declare = naive.declare if arguments["format"] in naive.FORMATS else baselines.declare
    try:
        declared = declare(**arguments).parameters()
    except (ValueError, TypeError) as error:
        raise InputError(f"recurrent: {error}") from None
    if arguments["format"] in naive.FORMATS:
        size = naive.module(arguments["format"]).classifier_inputs(specification)
    else:
        size = arguments["hidden_size"]
    return {**declared, "classifier": (size + 1) * classes if size else 0}
