"""All tables as CSV, LaTeX and Markdown, from a folder of records alone: no data, no training."""

import argparse
import json
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd

from workflow.reporting import records, render
from workflow.reporting.files import ReportingError, write_text
from workflow.reporting.results import Results, gather
from workflow.reporting.tables import (
    accuracy,
    claims,
    comparison,
    complexity,
    cost,
    factors,
    holes,
    leakage,
    parameters,
)

MODULE = "workflow.commands.tables"
TABLES: dict[str, ModuleType] = {
    "accuracy": accuracy,
    "parameters": parameters,
    "complexity": complexity,
    "comparison": comparison,
    "claims": claims,
    "leakage": leakage,
    "factors": factors,
    "cost": cost,
    "holes": holes,
}
COUNTED = ("parameters", "complexity")  # from declarations: they need no records
TITLES = {
    "accuracy": "Accuracy",
    "parameters": "Parameters",
    "complexity": "Complexity",
    "comparison": "Reported against reproduced",
    "claims": "Claims of the abstract",
    "leakage": "What the random protocol adds",
    "factors": "Protocol, start and recipe, or format",
    "cost": "Cost of training",
    "holes": "Runs that enter no mean",
}


def write(results: Results, output: str | Path, names: list[str]) -> None:
    """Write tables `names` to the folder `output`, each CSV with its origin beside it."""
    comments = results.provenance.lines(MODULE)
    if results.records.empty:  # counted from declarations: there is no run to name
        del comments[1:]
    output = Path(output)
    for name in names:
        frame, sheets = TABLES[name].build(results), TABLES[name].sheets(results)
        write_text(output / f"{name}.csv", to_csv(frame))
        write_text(output / f"{name}.csv-metadata.json", metadata(name, comments))
        siunitx = bool(results.layout.get("siunitx"))
        write_text(output / f"{name}.tex", render.to_tex(sheets, comments, siunitx, empty_text(results, name)))
        write_text(output / f"{name}.md", render.to_markdown(TITLES[name], sheets, comments, empty_text(results, name)))


def empty_text(results: Results, name: str) -> str:
    """What a table without rows says: that there are no records, or what the table's module says in its EMPTY."""
    no_rows = getattr(TABLES[name], "EMPTY", render.EMPTY)
    return render.EMPTY if results.records.empty and name not in COUNTED else no_rows


def to_csv(frame: pd.DataFrame) -> str:
    """A table at full precision (ten significant digits) with line feeds; empty where unknown."""
    return frame.to_csv(index=False, lineterminator="\n", float_format="%.10g")


def metadata(name: str, comments: list[str]) -> str:
    """CSV has no comments: the W3C's CSV on the Web keeps them in <table>.csv-metadata.json."""
    content = {
        "@context": "http://www.w3.org/ns/csvw",
        "url": f"{name}.csv",
        "dc:title": TITLES[name],
        "dc:provenance": comments,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--from", dest="root", required=True, metavar="DIR", help="folder that holds records")
    parser.add_argument("--output", metavar="DIR", help="folder for the tables (tables/ in the folder of records)")
    parser.add_argument("--config", metavar="FILE", help="configuration whose runs are expected (DIR/config.yaml)")
    parser.add_argument("--layout", metavar="FILE", help="columns, rows, order, precision (paper/layout.yaml)")
    parser.add_argument("--reported", metavar="FILE", help="published numbers (paper/reported.csv)")
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), default=list(TABLES), metavar="NAME")
    options = parser.parse_args(arguments)
    try:
        results = gather(options.root, options.config, options.layout, options.reported)
        if results.records.empty and not set(options.tables) <= set(COUNTED):
            raise ReportingError(f"{options.root}: no record (result.json) in this folder or below it")
        output = Path(options.output or Path(options.root) / "tables")
        write(results, output, options.tables)
    except ReportingError as error:
        sys.exit(f"tables: {error}")
    for sentence in records.problems(results.records):
        print(f"tables: {sentence}", file=sys.stderr)
    print(f"tables: {len(options.tables)} tables from {results.provenance.records} -> {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
