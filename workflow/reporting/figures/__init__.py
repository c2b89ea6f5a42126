"""The figures, one per file. A new file that defines FIGURE appears in the figures, the report and the article."""

from pathlib import Path

from workflow.reporting import captions
from workflow.reporting.captions import KINDS, Caption
from workflow.reporting.drawing.figure import Figure, to_bytes
from workflow.reporting.drawing.panels import COLUMN
from workflow.reporting.registry import registered
from workflow.reporting.results import Results
from workflow.storage.files import write_bytes

FIGURES: dict[str, Figure] = registered(__name__, __path__, "FIGURE")
MODULE = "workflow.commands.figures"


def write(results: Results, output: Path, names: list[str]) -> dict[str, str]:
    """Draw the figures `names` into `output` as PDF and PNG, with captions; return why others have none, by name."""
    comments = results.provenance.lines(MODULE)
    drawn, skipped = {}, {}
    for name in names:
        canvas, text = FIGURES[name].drawing(results)
        for kind in KINDS:
            file = output / f"{name}.{kind}"
            if canvas is None:
                file.unlink(missing_ok=True)  # left over from an earlier call
            else:
                write_bytes(file, to_bytes(canvas, kind, name, comments))
        if canvas is None:
            skipped[name] = text
        else:
            drawn[name] = Caption(FIGURES[name].title, text, "page" if canvas.get_figwidth() > COLUMN else "column")
    captions.write(output, drawn)
    return skipped
