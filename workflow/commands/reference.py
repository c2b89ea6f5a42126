"""Make tables, figures, report and article from the records shipped with the project, without data or training.

TARGET is tables, figures, report or paper; by default all are made. results/reference/ holds the records of
config/reference.yaml on 217 clips of UCF11; see its README. `./reproduce reference all` trains them again, into
results/reference-run; `--from results/reference-run` then ships those instead.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from workflow.reporting import collect, figures, records, shipped, tables
from workflow.reporting.paper import article
from workflow.reporting.report import page
from workflow.reporting.results import Results, gather
from workflow.storage.errors import InputError
from workflow.storage.fields import unknown

RECORDS = Path(__file__).parents[2] / "results" / "reference"
TARGETS = ("tables", "figures", "report", "paper")


def main(
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results.", show_default=False)] = RECORDS,
    root: Annotated[
        Path | None, typer.Option("--from", metavar="DIR", help="First replace the shipped records with those in DIR.")
    ] = None,
    targets: Annotated[list[str] | None, typer.Argument(metavar="[TARGET]...", show_default=False)] = None,
) -> None:
    for target in targets or ():
        if target not in TARGETS:
            raise InputError(unknown("target", target, TARGETS))
    if root:
        found = gather(root)
        size = shipped.ship(found, RECORDS)
        print(f"reference: {found.provenance.records} -> {RECORDS}, {size / 1e6:.1f} MB")
        print(f"reference: runs made at {found.provenance.commits}; {len(found.excluded)} runs are missing or failed")
    if not RECORDS.is_dir() or not records.find(RECORDS):
        raise InputError(f"{RECORDS} has no records; restore them with git checkout results/reference")
    make(gather(RECORDS), output, targets or TARGETS)


def make(results: Results, output: Path, targets: Sequence[str] = TARGETS) -> None:
    """Write results.csv, tables/, figures/, report.html and, with LaTeX, paper.pdf, those of `targets`, to `output`."""
    if "tables" in targets:
        collect.write(results.records, output / "results.csv")
        tables.write(results, output / "tables", list(tables.TABLES))
    if set(targets) - {"tables"}:
        for name, reason in figures.write(results, output / "figures", list(figures.FIGURES)).items():
            print(f"reference: skipped figure {name}: {reason}")
    if "report" in targets:
        page.write(results, output / "figures", output / "report.html")
    if "paper" in targets:
        article.write(results, output / "figures", output / "paper.pdf")
    for sentence in records.problems(results.records):
        print(f"reference: {sentence}", file=sys.stderr)
