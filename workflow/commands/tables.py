"""Write all tables as CSV, LaTeX and Markdown from a folder of records; needs neither data nor training.

With --config and --output instead of --from: only the tables that need no records.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from workflow.reporting import columns, options, records
from workflow.reporting.results import gather
from workflow.reporting.tables import TABLES, write
from workflow.storage.command_line import command_line
from workflow.storage.errors import InputError
from workflow.storage.files import write_text


def main(
    root: Annotated[Path | None, typer.Option("--from", metavar="DIR", help="Folder that holds records.")] = None,
    output: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for the tables (DIR/tables).")] = None,
    config: options.Config = None,
    layout: options.Layout = None,
    reported: options.Reported = None,
    tables: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Make only this one; can be repeated.")
    ] = None,
) -> None:
    if root is None and not (config and output):
        raise InputError("expected --from DIR, or --config FILE and --output DIR for tables that need no records")
    if unknown := set(tables or ()) - set(TABLES):
        raise InputError(f"--tables: unknown table {min(unknown)!r}; known: {', '.join(TABLES)}")
    results = gather(root, config, layout, reported)
    countable = [table.name for table in TABLES.values() if table.needs == "configuration"]
    names = tables or (list(TABLES) if root else countable)
    if results.recorded.empty and not set(names) <= set(countable):
        where = f"{root}: no result.json in this folder or below it" if root else "--from DIR is missing"
        raise InputError(f"{where}; without records only these tables can be made: {', '.join(countable)}")
    if output is None:  # in a folder of results
        write_text(results.root / "columns.md", columns.page())
    output = output or results.root / "tables"
    write(results, output, names)
    for sentence in records.problems(results.recorded):
        print(f"tables: {sentence}", file=sys.stderr)
    print(f"tables: {len(names)} tables from {results.provenance.records} -> {output}")


if __name__ == "__main__":
    command_line(main)
