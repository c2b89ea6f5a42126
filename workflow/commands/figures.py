"""Draw all figures as PDF and PNG from a folder of records; needs neither data nor training."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from workflow.reporting import options, records
from workflow.reporting.figures import FIGURES, write
from workflow.reporting.results import gather
from workflow.storage.command_line import command_line
from workflow.storage.errors import InputError


def main(
    root: options.Records,
    output: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for the figures (DIR/figures).")] = None,
    config: options.Config = None,
    layout: options.Layout = None,
    reported: options.Reported = None,
    figures: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Make only this one; can be repeated.")
    ] = None,
) -> None:
    if unknown := set(figures or ()) - set(FIGURES):
        raise InputError(f"--figures: unknown figure {min(unknown)!r}; known: {', '.join(FIGURES)}")
    results = gather(root, config, layout, reported)
    output = output or results.root / "figures"
    names = figures or list(FIGURES)
    skipped = write(results, output, names)
    for sentence in records.problems(results.recorded):
        print(f"figures: {sentence}", file=sys.stderr)
    for name, reason in skipped.items():
        print(f"figures: skipped {name}: {reason}")
    print(f"figures: {len(names) - len(skipped)} figures from {results.provenance.records} -> {output}")


if __name__ == "__main__":
    command_line(main)
