"""All figures as PDF and PNG, from a folder of records alone."""

import argparse
import json
import sys
from pathlib import Path
from types import ModuleType

from workflow.reporting import records
from workflow.reporting.figures import (
    accuracy_parameters,
    confusion,
    cost,
    factors,
    leakage,
    learning_curves,
    rank,
    reported,
    style,
)
from workflow.reporting.files import ReportingError, write_text
from workflow.reporting.results import Results, gather

MODULE = "workflow.commands.figures"
FIGURES: dict[str, ModuleType] = {
    "accuracy_parameters": accuracy_parameters,
    "learning_curves": learning_curves,
    "rank": rank,
    "confusion": confusion,
    "cost": cost,
    "leakage": leakage,
    "factors": factors,
    "reported": reported,
}


def write(results: Results, output: str | Path, names: list[str]) -> dict[str, style.Drawing]:
    """Draw figures `names` into the folder `output`; captions.json holds the sentence below each."""
    output = Path(output)
    drawings = {}
    with style.in_style():
        for name in names:
            drawing = FIGURES[name].draw(results)
            style.save(drawing, output / name, results.provenance.lines(MODULE))
            drawings[name] = drawing
    captions = {name: drawing.caption for name, drawing in drawings.items()}
    write_text(output / "captions.json", json.dumps(captions, indent=1, ensure_ascii=False) + "\n")
    return drawings


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--from", dest="root", required=True, metavar="DIR", help="folder that holds records")
    parser.add_argument("--output", required=True, metavar="DIR", help="folder for the figures")
    parser.add_argument("--config", metavar="FILE", help="configuration whose runs are expected (DIR/config.yaml)")
    parser.add_argument("--layout", metavar="FILE", help="names and colours (paper/layout.yaml)")
    parser.add_argument("--reported", metavar="FILE", help="published numbers (paper/reported.csv)")
    parser.add_argument("--figures", nargs="+", choices=list(FIGURES), default=list(FIGURES), metavar="NAME")
    options = parser.parse_args(arguments)
    try:
        results = gather(options.root, options.config, options.layout, options.reported)
        write(results, options.output, options.figures)
    except ReportingError as error:
        sys.exit(f"figures: {error}")
    for sentence in records.problems(results.records):
        print(f"figures: {sentence}", file=sys.stderr)
    print(f"figures: {len(options.figures)} figures from {results.provenance.records} -> {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
