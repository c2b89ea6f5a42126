"""What a figure is: its caption, what it needs, how it is drawn. The figures themselves are in figures/."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from matplotlib.figure import Figure as Canvas

from workflow.reporting.drawing import style
from workflow.reporting.results import Results

NO_RUNS = "No finished runs yet."


class Drawing(NamedTuple):
    """A drawn figure and its caption; None and the reason if there is nothing to show."""

    canvas: Canvas | None
    text: str


@dataclass(frozen=True)
class Figure:
    """A figure, which registers itself by being the FIGURE of a file in figures/.

    place orders the figures of report and article. draw returns None if there is nothing to show; `empty` is the
    reason. needs: "configuration" if the figure can be drawn without any record.
    """

    name: str  # of its files and of its label in the article
    title: str
    place: int
    caption: str
    draw: Callable[[Results], Canvas | None]
    empty: str = NO_RUNS
    needs: Literal["records", "configuration"] = "records"

    def drawing(self, results: Results) -> Drawing:
        """Draw the figure from `results`."""
        if self.needs == "records" and results.successful_records.empty:
            return Drawing(None, NO_RUNS)
        with style.in_style():
            canvas = self.draw(results)
        return Drawing(None, self.empty) if canvas is None else Drawing(canvas, self.caption)
