"""Collect every record below a folder into results.csv, excluded ones with the reason.

Accepted records no longer need the copies beside their checkpoints, which are deleted (training/finished.py). A record
that cannot be read, or is corrupt, ends the step with exit code 1.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

from workflow.reporting import records
from workflow.reporting.files import ReportingError, write_text
from workflow.training import finished


def collect(root: str | Path, output: str | Path) -> pd.DataFrame:
    """Write the records below `root` to the CSV file `output` and return them."""
    table = records.read(root)
    write_text(output, table.to_csv(index=False, lineterminator="\n"))
    return table


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="root", required=True, metavar="DIR", help="folder that holds records")
    parser.add_argument("--output", required=True, metavar="FILE", help="results.csv")
    parser.add_argument("--checkpoints", metavar="DIR", type=Path, help="folder of the runs' checkpoints")
    options = parser.parse_args(arguments)
    try:
        table = collect(options.root, options.output)
    except ReportingError as error:
        sys.exit(f"collect: {error}")
    if options.checkpoints:
        for record in records.successful(table)["record"]:
            finished.give_up(options.checkpoints / Path(record).parent)
    for sentence in records.problems(table):
        print(f"collect: {sentence}", file=sys.stderr)
    counts = ", ".join(f"{n} {status}" for status, n in table["status"].value_counts().sort_index().items())
    print(
        f"collect: {len(table)} records{f' ({counts})' if counts else ''} -> {options.output}",
        file=sys.stderr,
    )
    return int((table["status"] == "damaged").any())


if __name__ == "__main__":
    sys.exit(main())
