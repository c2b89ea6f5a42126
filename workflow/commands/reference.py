"""Tables, figures and report of the records that come with the project: no data, no training.

    python -m workflow.commands.reference [--output DIR]

results/reference/ holds the records of config/comparison.yaml on 217 clips of UCF11; its README says what they are.
"""

import argparse
import sys
from pathlib import Path

from workflow.commands import figures, tables
from workflow.reporting import records
from workflow.reporting.report import page as report

RECORDS = Path(__file__).parents[2] / "results" / "reference"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="./reproduce reference", description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=RECORDS, metavar="DIR", help="default: beside the records")
    output = parser.parse_args(arguments).output
    if not records.find(RECORDS):
        sys.exit(f"reference: {RECORDS} has no records; they come with the project: git checkout results/reference")
    for write, name in ((tables.main, "tables"), (figures.main, "figures"), (report.main, "report.html")):
        write(["--from", str(RECORDS), "--output", str(output / name)])


if __name__ == "__main__":
    main()
