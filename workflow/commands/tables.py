"""All tables as CSV, LaTeX and Markdown, from a folder of records alone: no data, no training.

From a configuration alone (--config, --output), only those that need no record.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from workflow.reporting import options, records, render
from workflow.reporting.files import ReportingError, write_text
from workflow.reporting.results import Results, gather
from workflow.reporting.tables import TABLES
from workflow.storage.command_line import command_line

MODULE = "workflow.commands.tables"
CSVW = "http://www.w3.org/ns/csvw"


def write(results: Results, output: str | Path, names: list[str]) -> None:
    """Write tables to the folder `output` as CSV with its metadata, LaTeX and Markdown."""
    comments = results.provenance.lines(MODULE)
    if results.records.empty:  # there is no run to name
        del comments[1:]
    for table in (TABLES[name] for name in names):
        stem, printed, empty = Path(output) / table.name, table.printed(results), table.empty_text(results)
        write_text(
            stem.with_suffix(".csv"),
            table.build(results).to_csv(index=False, lineterminator="\n", float_format="%.10g"),
        )
        # CSV has no comments: its origin is CSV on the Web (W3C)
        origin = {"@context": CSVW, "url": f"{table.name}.csv", "dc:title": table.title, "dc:provenance": comments}
        write_text(stem.with_suffix(".csv-metadata.json"), json.dumps(origin, indent=1, ensure_ascii=False) + "\n")
        write_text(stem.with_suffix(".tex"), render.to_tex(printed, comments, empty))
        write_text(stem.with_suffix(".md"), render.to_markdown(table.title, printed, comments, empty))


def main(
    root: Annotated[Path | None, typer.Option("--from", metavar="DIR", help="Folder that holds records.")] = None,
    output: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for the tables (DIR/tables).")] = None,
    config: options.Config = None,
    layout: options.Layout = None,
    reported: options.Reported = None,
    tables: Annotated[list[str] | None, typer.Option(metavar="NAME", help="May be repeated; all by default.")] = None,
) -> None:
    if root is None and not (config and output):
        raise ReportingError("expected --from DIR, or --config FILE and --output DIR for tables that need no record")
    if unknown := set(tables or ()) - set(TABLES):
        raise ReportingError(f"--tables: unknown table {min(unknown)!r}; known: {', '.join(TABLES)}")
    results = gather(root, config, layout, reported)
    countable = [table.name for table in TABLES.values() if table.needs == "configuration"]
    names = tables or (list(TABLES) if root else countable)
    if results.records.empty and not set(names) <= set(countable):
        raise ReportingError(f"{root}: no record (result.json) in this folder or below it")
    output = output or results.root / "tables"
    write(results, output, names)
    for sentence in records.problems(results.records):
        print(f"tables: {sentence}", file=sys.stderr)
    print(f"tables: {len(names)} tables from {results.provenance.records} -> {output}")


main.__doc__ = __doc__

if __name__ == "__main__":
    command_line(main)
