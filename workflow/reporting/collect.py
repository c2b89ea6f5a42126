"""results.csv: every record below a folder, one row each, the bad ones too, with the reason."""

import argparse
import sys
from pathlib import Path

import pandas as pd

from workflow.reporting import records
from workflow.reporting.files import ReportingError, write_text


def collect(root: str | Path, output: str | Path) -> pd.DataFrame:
    """Write the records below `root` to the CSV file `output` and return them."""
    table = records.read(root)
    write_text(output, table.to_csv(index=False, lineterminator="\n"))
    return table


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="root", required=True, metavar="DIR", help="folder that holds records")
    parser.add_argument("--output", required=True, metavar="FILE", help="results.csv")
    options = parser.parse_args(arguments)
    try:
        table = collect(options.root, options.output)
    except ReportingError as error:
        sys.exit(f"collect: {error}")
    for sentence in records.problems(table):
        print(f"collect: {sentence}", file=sys.stderr)
    counts = ", ".join(f"{n} {status}" for status, n in table["status"].value_counts().sort_index().items())
    print(
        f"collect: {len(table)} records{f' ({counts})' if counts else ''} -> {options.output}",
        file=sys.stderr,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
