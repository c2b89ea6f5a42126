"""Collect every record below a folder into results.csv, including excluded ones with the reason.

The copies of accepted records next to their checkpoints are then deleted (see training/finished.py). If a record is
unreadable or corrupt, the step exits with code 1.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from workflow.experiments.states import DAMAGED
from workflow.reporting import options, provenance, records
from workflow.storage.command_line import command_line
from workflow.storage.files import write_text
from workflow.training import finished


def main(
    root: options.Records,
    output: Annotated[Path, typer.Option(metavar="FILE", help="results.csv")],
    checkpoints: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the runs' checkpoints.")] = None,
) -> None:
    table = records.read(root)
    write_text(output, table.to_csv(index=False, lineterminator="\n"))
    if checkpoints:
        for record in table.loc[table["status"] == "ok", "record"]:
            finished.give_up(checkpoints / Path(record).parent)
    for sentence in records.problems(table):
        print(f"collect: {sentence}", file=sys.stderr)
    print(f"collect: {provenance.of(table).records} -> {output}", file=sys.stderr)
    if (table["status"] == DAMAGED).any():
        raise typer.Exit(1)


if __name__ == "__main__":
    command_line(main)
