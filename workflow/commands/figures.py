"""All figures as PDF and PNG, from a folder of records alone."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from workflow.reporting import options, records
from workflow.reporting.drawing.figure import Drawing, saved
from workflow.reporting.figures import FIGURES
from workflow.reporting.files import ReportingError, write_bytes, write_text
from workflow.reporting.results import Results, gather
from workflow.storage.command_line import command_line

MODULE = "workflow.commands.figures"


def write(results: Results, output: str | Path, names: list[str]) -> dict[str, Drawing]:
    """Draw figures `names` into the folder `output`.

    captions.json there holds the caption of each, or why it has nothing to show; such a figure has no files.
    """
    output, comments = Path(output), results.provenance.lines(MODULE)
    drawings = {name: FIGURES[name].drawing(results) for name in names}
    for name, (canvas, _) in drawings.items():
        for kind in ("pdf", "png"):
            file = output / f"{name}.{kind}"
            if canvas is None:
                file.unlink(missing_ok=True)  # of earlier records
            else:
                write_bytes(file, saved(canvas, kind, name, comments))
    captions = {name: drawing.text for name, drawing in drawings.items()}
    write_text(output / "captions.json", json.dumps(captions, indent=1, ensure_ascii=False) + "\n")
    return drawings


def main(
    root: options.Records,
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the figures.")],
    config: options.Config = None,
    layout: options.Layout = None,
    reported: options.Reported = None,
    figures: Annotated[list[str] | None, typer.Option(metavar="NAME", help="May be repeated; all by default.")] = None,
) -> None:
    if unknown := set(figures or ()) - set(FIGURES):
        raise ReportingError(f"--figures: unknown figure {min(unknown)!r}; known: {', '.join(FIGURES)}")
    results = gather(root, config, layout, reported)
    drawings = write(results, output, figures or list(FIGURES))
    for sentence in records.problems(results.records):
        print(f"figures: {sentence}", file=sys.stderr)
    for name, (canvas, reason) in drawings.items():
        if canvas is None:
            print(f"figures: no {name}: {reason}")
    drawn = sum(canvas is not None for canvas, _ in drawings.values())
    print(f"figures: {drawn} figures from {results.provenance.records} -> {output}")


if __name__ == "__main__":
    command_line(main)
