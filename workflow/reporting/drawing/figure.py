"""The Figure class: caption, requirements, drawing and saving. The figures themselves are in figures/."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal, NamedTuple

import matplotlib.style
from matplotlib.figure import Figure as Canvas

from workflow.reporting.results import Results

THEME = Path(__file__).resolve().parents[3] / "paper" / "style.mplstyle"
STYLE = ["default", str(THEME)]  # starts from matplotlib's defaults, not the user's
NO_RUNS = "No finished runs yet."
UNDATED = {"pdf": {"CreationDate": None, "Creator": None, "Producer": None}, "png": {"Software": None}}
ORIGIN = {"pdf": "Subject", "png": "Description"}  # key of the metadata


class Drawing(NamedTuple):
    """A drawn figure and its caption; None and the reason if there is nothing to show."""

    canvas: Canvas | None
    text: str


@dataclass(frozen=True)
class Figure:
    """A figure of the report and article. Assign it to FIGURE in a file of figures/ to register it.

    order: sort key among the figures of report and article. caption: usually the file's docstring, or a function that
    completes it; {n} stands for the label of what is drawn, by `panels.draw` the extent of n. draw returns None if
    there is nothing to show; `empty` is the reason. needs: "configuration" if the figure can be drawn without records.
    """

    name: str  # file stem and LaTeX label
    title: str
    order: int
    caption: str | Callable[[Results], str] | None
    draw: Callable[[Results], Canvas | None]
    empty: str = NO_RUNS
    needs: Literal["records", "configuration"] = "records"

    def drawing(self, results: Results) -> Drawing:
        """Draw the figure from `results`; return it with its caption, or None with the reason."""
        if self.needs == "records" and results.successful_records.empty:
            return Drawing(None, NO_RUNS)
        with matplotlib.style.context(STYLE):
            canvas = self.draw(results)
        if canvas is None:
            return Drawing(None, self.empty)
        caption = self.caption(results) if callable(self.caption) else self.caption or ""
        text = " ".join(caption.split()).replace("{n}", str(canvas.get_label()))
        part = results.partial_data if self.needs == "records" else ""
        return Drawing(canvas, f"{text} Only a part of the data was available: {part}." if part else text)


def to_bytes(canvas: Canvas, format: Literal["pdf", "png"], title: str, comments: list[str]) -> bytes:
    """Return the figure as PDF or PNG bytes, with provenance but no date, so equal figures give equal bytes."""
    buffer = BytesIO()
    with matplotlib.style.context(STYLE):
        if canvas.get_layout_engine() is not None:  # lay out once: PDF and PNG must not differ
            canvas.draw_without_rendering()
            canvas.set_layout_engine(None)  # "none" would lay out again
        metadata = {**UNDATED[format], "Title": title, ORIGIN[format]: "; ".join(comments)}
        canvas.savefig(buffer, format=format, metadata=metadata)
    return buffer.getvalue()
