"""Make tables, figures and report from the records shipped with the project; needs neither data nor training.

results/reference/ holds the records of config/comparison.yaml on 217 clips of UCF11, and the names of its recipes in
print; see its README.
"""

from pathlib import Path
from typing import Annotated

import typer

from workflow.commands import figures, tables
from workflow.reporting import records
from workflow.reporting.report import page as report
from workflow.storage.errors import InputError

RECORDS = Path(__file__).parents[2] / "results" / "reference"


def main(
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results.", show_default=False)] = RECORDS,
) -> None:
    if not records.find(RECORDS):
        raise InputError(f"{RECORDS} has no records; restore them with git checkout results/reference")
    layout = RECORDS / "layout.yaml"
    tables.main(RECORDS, output / "tables", layout=layout)
    figures.main(RECORDS, output / "figures", layout=layout)
    report.main(RECORDS, output / "report.html", layout=layout, figures=output / "figures")
