"""What a figure is: its caption, what it needs, how it is drawn and saved. The figures themselves are in figures/."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal, NamedTuple

import matplotlib.style
from matplotlib.figure import Figure as Canvas

from workflow.reporting.results import Results

THEME = Path(__file__).resolve().parents[3] / "paper" / "style.mplstyle"
NO_RUNS = "No finished runs yet."
UNDATED = {"pdf": {"CreationDate": None, "Creator": None, "Producer": None}, "png": {"Software": None}}
ORIGIN = {"pdf": "Subject", "png": "Description"}  # key of the metadata


class Drawing(NamedTuple):
    """A drawn figure and its caption; None and the reason if there is nothing to show."""

    canvas: Canvas | None
    text: str


@dataclass(frozen=True)
class Figure:
    """A figure, which registers itself by being the FIGURE of a file in figures/.

    place orders the figures of report and article. caption: usually the file's docstring. draw returns None if there is
    nothing to show; `empty` is the reason. needs: "configuration" if the figure can be drawn without any record.
    """

    name: str  # of its files and of its label in the article
    title: str
    place: int
    caption: str | None
    draw: Callable[[Results], Canvas | None]
    empty: str = NO_RUNS
    needs: Literal["records", "configuration"] = "records"

    def drawing(self, results: Results) -> Drawing:
        """Draw the figure from `results`."""
        if self.needs == "records" and results.successful_records.empty:
            return Drawing(None, NO_RUNS)
        with in_style():
            canvas = self.draw(results)
        return Drawing(None, self.empty) if canvas is None else Drawing(canvas, " ".join((self.caption or "").split()))


def in_style() -> AbstractContextManager[None]:
    """Return the context to draw and save figures in; it starts from matplotlib's defaults, not the user's."""
    return matplotlib.style.context(["default", str(THEME)])


def saved(canvas: Canvas, kind: Literal["pdf", "png"], title: str, comments: list[str]) -> bytes:
    """Return the file of a figure, with its origin but without a date: equal figures give equal bytes."""
    buffer = BytesIO()
    with in_style():
        if canvas.get_layout_engine() is not None:  # lay out once: PDF and PNG must not differ
            canvas.draw_without_rendering()
            canvas.set_layout_engine("none")
        canvas.savefig(
            buffer, format=kind, metadata={**UNDATED[kind], "Title": title, ORIGIN[kind]: "; ".join(comments)}
        )
    return buffer.getvalue()
