"""report.html: one self-contained page with all tables, figures and runs."""

import argparse
import base64
import json
import os
import sys
from pathlib import Path

import jinja2
from markupsafe import Markup

from workflow.reporting import records
from workflow.reporting.drawing.figure import saved
from workflow.reporting.figures import FIGURES
from workflow.reporting.files import ReportingError, write_text
from workflow.reporting.report import runs
from workflow.reporting.results import Results, gather
from workflow.reporting.tables import TABLES

MODULE = "workflow.reporting.report.page"
TEMPLATES = Path(__file__).parent / "templates"


def page(results: Results, prefix: str = "") -> str:
    """Return the page. `prefix` leads from it to the folder of records, for links to files."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        title=results.config.name if results.config else "a folder of records",
        css=Markup((TEMPLATES / "report.css").read_text()),
        script=Markup((TEMPLATES / "report.js").read_text()),
        comments=results.provenance.lines(MODULE),
        counts=counts(results),
        problems=records.problems(results.records),
        tables=[
            (table.name, table.title, table.printed(results), table.empty_text(results)) for table in TABLES.values()
        ],
        figures=images(results),
        columns=runs.COLUMNS,
        data=embedded(runs.collect(results) | {"prefix": prefix}),
    )


def counts(results: Results) -> list[tuple[str, int]]:
    """Return (state, number of runs), including the expected runs without a record."""
    states = results.excluded["state"].value_counts().to_dict()
    others = [(state, states[state]) for state in ("failed", "damaged", "duplicate", "missing") if state in states]
    return [("done", len(results.successful_records)), *others]


def images(results: Results) -> list[tuple[str, str, str, str]]:
    """Return (name, title, PNG in base64, caption) of every figure; of one with nothing to show "" and the reason."""
    drawn = []
    for figure in FIGURES.values():
        canvas, text = figure.drawing(results)
        image = saved(canvas, "png", figure.name, results.provenance.lines(MODULE)) if canvas else b""
        drawn.append((figure.name, figure.title, base64.b64encode(image).decode(), text))
    return drawn


def embedded(content: dict) -> Markup:
    """Return JSON that is safe inside a script element: no text of a record can end the element."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--from", dest="root", required=True, metavar="DIR", help="folder that holds records")
    parser.add_argument("--output", required=True, metavar="FILE", help="report.html")
    parser.add_argument("--config", metavar="FILE", help="configuration whose runs are expected (DIR/config.yaml)")
    parser.add_argument("--layout", metavar="FILE", help="columns, rows, order, precision (paper/layout.yaml)")
    parser.add_argument("--reported", metavar="FILE", help="reported numbers (paper/reported.csv)")
    options = parser.parse_args(arguments)
    try:
        results = gather(options.root, options.config, options.layout, options.reported)
        prefix = os.path.relpath(options.root, Path(options.output).parent).replace(os.sep, "/")
        write_text(options.output, page(results, "" if prefix == "." else f"{prefix}/"))
    except ReportingError as error:
        sys.exit(f"report: {error}")
    print(f"report: {options.output} from {results.provenance.records}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
