"""The figures, one per file. A new file that defines FIGURE appears in the figures, the report and the article."""

from workflow.reporting.drawing.figure import Figure
from workflow.reporting.registry import registered

FIGURES: dict[str, Figure] = registered(__name__, __path__, "FIGURE")
