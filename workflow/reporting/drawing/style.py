"""The look of a model, the same in all figures: printed name, colour, marker and line."""

from typing import Literal, NamedTuple

from matplotlib.colors import to_hex, to_rgb

from workflow.reporting import models
from workflow.reporting.results import Results

SPARE = [  # of families that the layout does not know
    {"colour": colour, "marker": marker}
    for colour, marker in (("#CC79A7", "P"), ("#882255", "X"), ("#44AA99", "<"), ("#999933", ">"))
]


class Look(NamedTuple):
    """The family's colour and marker; a variant has a lighter colour and, as colour alone is not enough, dashes."""

    label: str
    colour: str
    marker: str
    dashes: Literal["-", "--"]


def look(results: Results, model: str) -> Look:
    """Return the look of a model."""
    family, label = models.get(results, model).family, models.label(results, model)
    entry = results.layout["models"].get(family, SPARE[sum(family.encode()) % len(SPARE)])
    if model == family:
        return Look(label, entry["colour"], entry["marker"], "-")
    red, green, blue = (0.45 + 0.55 * channel for channel in to_rgb(entry["colour"]))
    return Look(label, to_hex((red, green, blue)), entry["marker"], "--")
