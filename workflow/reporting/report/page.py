"""report.html: one self-contained page with all tables, figures and runs."""

import base64
import os
from pathlib import Path
from typing import Annotated

import jinja2
import typer

from workflow.reporting import options, records
from workflow.reporting.drawing.figure import to_bytes
from workflow.reporting.figures import FIGURES
from workflow.reporting.report import runs
from workflow.reporting.results import Results, gather
from workflow.reporting.tables import TABLES
from workflow.storage.command_line import command_line
from workflow.storage.files import write_text

MODULE = "workflow.reporting.report.page"
TEMPLATES = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
JSON = {"ensure_ascii": False, "separators": (",", ":"), "allow_nan": False}


def page(results: Results, prefix: str = "") -> str:
    """Return the page. `prefix` leads from it to the folder of records, for links to files."""
    states = results.excluded["state"].value_counts().sort_index().to_dict()
    environment = jinja2.Environment(
        loader=TEMPLATES, autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.policies["json.dumps_kwargs"] = JSON
    return environment.get_template("report.html.j2").render(
        title=results.config.name if results.config else "a folder of records",
        comments=results.provenance.lines(MODULE),
        counts={"done": len(results.successful_records)} | states,
        problems=records.problems(results.records),
        results=results,
        tables=TABLES.values(),
        figures=images(results),
        columns=runs.COLUMNS,
        data=runs.collect(results) | {"prefix": prefix},
    )


def images(results: Results) -> list[tuple[str, str, str, str]]:
    """Return (name, title, PNG in base64, caption) of every figure; "" and the reason for one with nothing to show."""
    drawn = []
    for figure in FIGURES.values():
        canvas, text = figure.drawing(results)
        image = to_bytes(canvas, "png", figure.name, results.provenance.lines(MODULE)) if canvas else b""
        drawn.append((figure.name, figure.title, base64.b64encode(image).decode(), text))
    return drawn


def main(
    root: options.Records,
    output: Annotated[Path, typer.Option(metavar="FILE", help="report.html")],
    config: options.Config = None,
    layout: options.Layout = None,
    reported: options.Reported = None,
) -> None:
    results = gather(root, config, layout, reported)
    prefix = Path(os.path.relpath(root, output.parent)).as_posix()
    write_text(output, page(results, "" if prefix == "." else f"{prefix}/"))
    print(f"report: {output} from {results.provenance.records}")


if __name__ == "__main__":
    command_line(main)
