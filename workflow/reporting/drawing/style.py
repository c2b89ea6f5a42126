"""One look for all figures: theme, a colour and a marker per model, and files whose bytes do not change."""

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Literal

import matplotlib.style
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from workflow.reporting import models
from workflow.reporting.results import Results

THEME = Path(__file__).resolve().parents[3] / "paper" / "style.mplstyle"
SPARE = (("#CC79A7", "P"), ("#882255", "X"), ("#44AA99", "<"), ("#999933", ">"))  # of models the layout does not know


def in_style():
    """Return the context to draw and save figures in; it starts from matplotlib's defaults, not the user's."""
    return matplotlib.style.context(["default", str(THEME)])


def colour(results: Results, model: str) -> str:
    """Return the colour of a model's family, lightened for a variant."""
    family = models.get(results, model).family
    entry = results.layout["models"].get(family)
    own = entry["colour"] if entry else SPARE[_spare(family)][0]
    red, green, blue = (0.45 + 0.55 * channel for channel in to_rgb(own))
    return own if model == family else to_hex((red, green, blue))


def marker(results: Results, model: str) -> str:
    """Return the marker of a model's family, which its variants share."""
    family = models.get(results, model).family
    entry = results.layout["models"].get(family)
    return entry.get("marker", "o") if entry else SPARE[_spare(family)][1]


def dashes(results: Results, model: str) -> Literal["-", "--"]:
    """Return the line style: dashed for a variant, so that colour alone never separates two lines."""
    return "-" if models.get(results, model).family == model else "--"


def label(results: Results, model: str) -> str:
    """Return the printed name of a model, which is also its value in the data that seaborn draws."""
    return models.label(results, model)


def palette(results: Results, names: Iterable[str]) -> dict[str, str]:
    """Map the printed name of each model to its colour, as seaborn takes it for `hue`."""
    return {label(results, model): colour(results, model) for model in names}


def _spare(model: str) -> int:
    return sum(model.encode()) % len(SPARE)


def pdf(figure: Figure, title: str, comments: list[str]) -> bytes:
    """Return the figure as PDF, with its origin but without a date: equal figures give equal bytes."""
    origin = {"Title": title, "Subject": "; ".join(comments)}
    return _saved(figure, "pdf", {"CreationDate": None, "Creator": None, "Producer": None, **origin})


def png(figure: Figure, title: str, comments: list[str]) -> bytes:
    """Return the figure as PNG, with its origin."""
    return _saved(figure, "png", {"Software": None, "Title": title, "Description": "; ".join(comments)})


def _saved(figure: Figure, kind: str, metadata: dict) -> bytes:
    buffer = BytesIO()
    with in_style():
        if figure.get_layout_engine() is not None:  # lay out once: PDF and PNG must not differ
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
        figure.savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue()
