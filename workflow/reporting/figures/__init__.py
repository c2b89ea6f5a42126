"""The figures, one per file. A new file that defines FIGURE appears in the figures, the report and the article."""

import json
from pathlib import Path
from typing import Literal

from workflow.reporting.drawing.figure import Drawing, Figure, to_bytes
from workflow.reporting.registry import registered
from workflow.reporting.results import Results
from workflow.storage.files import write_bytes, write_text

FIGURES: dict[str, Figure] = registered(__name__, __path__, "FIGURE")
MODULE = "workflow.commands.figures"
Kind = Literal["pdf", "png"]
KINDS: tuple[Kind, ...] = ("pdf", "png")


def write(results: Results, output: Path, names: list[str], kinds: tuple[Kind, ...] = KINDS) -> dict[str, Drawing]:
    """Draw the figures `names` into `output`, in these kinds of files, and return them by name.

    captions.json there holds each figure's caption, or the reason why it has nothing to show and no files.
    """
    comments = results.provenance.lines(MODULE)
    drawings = {name: FIGURES[name].drawing(results) for name in names}
    for name, (canvas, _) in drawings.items():
        for kind in kinds:
            file = output / f"{name}.{kind}"
            if canvas is None:
                file.unlink(missing_ok=True)  # left over from an earlier call
            else:
                write_bytes(file, to_bytes(canvas, kind, name, comments))
    captions = {name: drawing.text for name, drawing in drawings.items()}
    write_text(output / "captions.json", json.dumps(captions, indent=1, ensure_ascii=False) + "\n")
    return drawings
