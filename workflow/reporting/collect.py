"""Collect every record below a folder into results.csv, including excluded ones with the reason; describe its columns.

If a record is unreadable or corrupt, the step exits with code 1.
"""

import sys
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from workflow.experiments.states import DAMAGED
from workflow.reporting import columns, options, provenance, records
from workflow.storage.command_line import command_line
from workflow.storage.files import write_text


def main(
    root: options.Records,
    output: Annotated[Path, typer.Option(metavar="FILE", help="results.csv")],
    config: options.Config = None,
) -> None:
    table = records.read_for(root, records.configuration_of(root, config))
    write(table, output)
    for sentence in records.problems(table):
        print(f"collect: {sentence}", file=sys.stderr)
    print(f"collect: {provenance.of(table).records} -> {output}", file=sys.stderr)
    if (table["status"] == DAMAGED).any():
        raise typer.Exit(1)


def write(table: pd.DataFrame, output: Path) -> None:
    """Write results.csv, columns.md next to it, and the metadata of these and of the data's and the runs' CSV files."""
    write_text(output, table.to_csv(index=False, lineterminator="\n"))
    write_text(output.with_name("columns.md"), columns.page())
    columns.describe(output.parent)


if __name__ == "__main__":
    command_line(main)
