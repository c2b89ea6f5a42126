"""All figures as PDF and PNG, from a folder of records alone."""

import argparse
import json
import sys
from pathlib import Path

from workflow.reporting import records
from workflow.reporting.drawing.figure import Drawing, saved
from workflow.reporting.figures import FIGURES
from workflow.reporting.files import ReportingError, write_bytes, write_text
from workflow.reporting.results import Results, gather

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


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--from", dest="root", required=True, metavar="DIR", help="folder that holds records")
    parser.add_argument("--output", required=True, metavar="DIR", help="folder for the figures")
    parser.add_argument("--config", metavar="FILE", help="configuration whose runs are expected (DIR/config.yaml)")
    parser.add_argument("--layout", metavar="FILE", help="names and colours (paper/layout.yaml)")
    parser.add_argument("--reported", metavar="FILE", help="reported numbers (paper/reported.csv)")
    parser.add_argument("--figures", nargs="+", choices=list(FIGURES), default=list(FIGURES), metavar="NAME")
    options = parser.parse_args(arguments)
    try:
        results = gather(options.root, options.config, options.layout, options.reported)
        drawings = write(results, options.output, options.figures)
    except ReportingError as error:
        sys.exit(f"figures: {error}")
    for sentence in records.problems(results.records):
        print(f"figures: {sentence}", file=sys.stderr)
    for name, (canvas, reason) in drawings.items():
        if canvas is None:
            print(f"figures: no {name}: {reason}")
    drawn = sum(canvas is not None for canvas, _ in drawings.values())
    print(f"figures: {drawn} figures from {results.provenance.records} -> {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
