"""Make tables, figures, report and article from the records shipped with the project; needs neither data nor training.

results/reference/ holds the records of config/reference.yaml on 217 clips of UCF11; see its README. Trained again by
`./reproduce reference all`, they are in results/reference-run; `--from results/reference-run` ships those instead.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from workflow.reporting import collect, figures, records, shipped, tables
from workflow.reporting.paper import article
from workflow.reporting.report import page
from workflow.reporting.results import Results, gather
from workflow.storage.errors import InputError

RECORDS = Path(__file__).parents[2] / "results" / "reference"


def main(
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results.", show_default=False)] = RECORDS,
    root: Annotated[
        Path | None, typer.Option("--from", metavar="DIR", help="First replace the records by those of these results.")
    ] = None,
) -> None:
    if root:
        found = gather(root)
        size = shipped.ship(found, RECORDS)
        print(f"reference: {found.provenance.records} -> {RECORDS}, {size / 1e6:.1f} MB")
        print(f"reference: runs made at {found.provenance.commits}; {len(found.excluded)} runs are missing or failed")
    if not records.find(RECORDS):
        raise InputError(f"{RECORDS} has no records; restore them with git checkout results/reference")
    layout = RECORDS / "layout.yaml"  # if these records need other names in print
    make(gather(RECORDS, layout=layout if layout.is_file() else None), output)


def make(results: Results, output: Path) -> None:
    """Write results.csv, columns.md, tables/, figures/, report.html and, with LaTeX, paper.pdf to `output`."""
    collect.write(results.records, output / "results.csv")
    tables.write(results, output / "tables", list(tables.TABLES))
    for name, caption in figures.write(results, output / "figures", list(figures.FIGURES)).items():
        if caption.width is None:
            print(f"reference: skipped figure {name}: {caption.text}")
    page.write(results, output / "figures", output / "report.html")
    article.write(results, output / "figures", output / "paper.pdf")
    for sentence in records.problems(results.records):
        print(f"reference: {sentence}", file=sys.stderr)
