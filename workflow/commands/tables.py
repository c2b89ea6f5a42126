"""All tables as CSV, LaTeX and Markdown, from a folder of records alone: no data, no training."""

import argparse
import json
import sys
from pathlib import Path

import pandas as pd

from workflow.reporting import records, render
from workflow.reporting.files import ReportingError, write_text
from workflow.reporting.results import Results, declared, gather
from workflow.reporting.tables import TABLES

MODULE = "workflow.commands.tables"


def write(results: Results, output: str | Path, names: list[str]) -> None:
    """Write tables to the folder `output` as CSV with its metadata, LaTeX and Markdown."""
    comments = results.provenance.lines(MODULE)
    if results.records.empty:  # there is no run to name
        del comments[1:]
    for table in (TABLES[name] for name in names):
        stem, printed, empty = Path(output) / table.name, table.printed(results), table.empty_text(results)
        write_text(stem.with_suffix(".csv"), to_csv(table.build(results)))
        write_text(stem.with_suffix(".csv-metadata.json"), metadata(table.name, table.title, comments))
        write_text(stem.with_suffix(".tex"), render.to_tex(printed, comments, empty))
        write_text(stem.with_suffix(".md"), render.to_markdown(table.title, printed, comments, empty))


def to_csv(frame: pd.DataFrame) -> str:
    """Return a table with ten significant digits and line feeds; unknown values are empty."""
    return frame.to_csv(index=False, lineterminator="\n", float_format="%.10g")


def metadata(name: str, title: str, comments: list[str]) -> str:
    """Return the origin of a table as CSV on the Web (W3C) has it, since CSV has no comments."""
    content = {
        "@context": "http://www.w3.org/ns/csvw",
        "url": f"{name}.csv",
        "dc:title": title,
        "dc:provenance": comments,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write tables from a folder of records, or from a configuration alone those that need no record."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--from", dest="root", metavar="DIR", help="folder that holds records")
    parser.add_argument("--output", metavar="DIR", help="folder for the tables (tables/ in the folder of records)")
    parser.add_argument("--config", metavar="FILE", help="configuration whose runs are expected (DIR/config.yaml)")
    parser.add_argument("--layout", metavar="FILE", help="columns, order, precision (paper/layout.yaml)")
    parser.add_argument("--reported", metavar="FILE", help="reported numbers (paper/reported.csv)")
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), metavar="NAME", help="default: all")
    options = parser.parse_args(arguments)
    if options.root is None and not (options.config and options.output):
        parser.error("expected --from DIR, or --config FILE and --output DIR for tables that need no record")
    try:
        results = read(options)
        names = options.tables or [name for name in TABLES if options.root or name in needing("configuration")]
        if results.records.empty and not set(names) <= set(needing("configuration")):
            raise ReportingError(f"{options.root}: no record (result.json) in this folder or below it")
        output = Path(options.output or Path(options.root) / "tables")
        write(results, output, names)
    except ReportingError as error:
        sys.exit(f"tables: {error}")
    for sentence in records.problems(results.records):
        print(f"tables: {sentence}", file=sys.stderr)
    print(f"tables: {len(names)} tables from {results.provenance.records} -> {output}")
    return 0


def read(options: argparse.Namespace) -> Results:
    """Return the results that the options name."""
    if options.root is None:
        return declared(options.config, options.layout, options.reported)
    return gather(options.root, options.config, options.layout, options.reported)


def needing(what: str) -> list[str]:
    """Return the names of the tables that need "records", or the "configuration" alone."""
    return [table.name for table in TABLES.values() if table.needs == what]


if __name__ == "__main__":
    sys.exit(main())
