"""report.html: one self-contained page with all tables, figures and runs.

Embedded are the runs, each with its record, curve, specification and environment, the tables and figures as files, and
the libraries that show the runs: DataTables, as the package itables bundles it, and plotly.js.
"""

import base64
import gzip
import json
import os
from importlib.metadata import distribution
from pathlib import Path
from typing import Annotated, Any

import jinja2
import typer

from workflow.reporting import captions, options, records, render
from workflow.reporting.report import introduction, runs
from workflow.reporting.results import Results, gather
from workflow.reporting.table import Printed, Table
from workflow.reporting.tables import TABLES, as_csv
from workflow.reporting.widths import pages
from workflow.storage.command_line import command_line
from workflow.storage.files import write_text

MODULE = "workflow.reporting.report.page"
FILES_OF = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
TEMPLATES = jinja2.Environment(loader=FILES_OF, autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
LIBRARIES = {"datatables": ("itables", "html/dt_bundle.js"), "plotly": ("plotly", "package_data/plotly.min.js")}
STYLE = ("itables", "html/dt_bundle.css")


def page(results: Results, figures: Path, prefix: str = "") -> str:
    """Return the page. figures: folder of the drawn figures. prefix: path from the page to the records, for links."""
    states = results.excluded["status"].value_counts().sort_index().to_dict()
    data = json.dumps(runs.embedded(results) | {"prefix": prefix}, ensure_ascii=False, allow_nan=False)
    comments = results.provenance.lines(MODULE)
    printed = [(table, table.printed(results)) for table in TABLES.values()]
    return TEMPLATES.get_template("report.html.j2").render(
        title=results.config.name if results.config else "a folder of records",
        comments=comments,
        counts={"done": len(results.successful_records)} | states,
        problems=records.problems(results.records),
        introduction=introduction,
        results=results,
        tables=[(table, sheets, downloads(results, table, sheets, comments)) for table, sheets in printed],
        figures=images(figures),
        style=library(*STYLE).decode(),
        packed={name: packed(library(*place)) for name, place in LIBRARIES.items()} | {"data": packed(data.encode())},
    )


def library(package: str, name: str) -> bytes:
    """Return a file of an installed package, which is not imported."""
    return Path(str(distribution(package).locate_file(package))).joinpath(name).read_bytes()


def packed(content: bytes) -> str:
    """Return `content`, compressed by gzip, in base64."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def link(kind: str, content: bytes) -> str:
    """Return a file as the address of a link: it opens from the page itself."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def downloads(results: Results, table: Table, sheets: list[Printed], comments: list[str]) -> dict[str, str]:
    """Return file name -> address of a table as CSV and LaTeX."""
    parts = [part for sheet in sheets for part in pages(sheet)]
    tex = render.to_tex(parts, comments, table.empty_text(results))
    files = {"csv": ("text/csv", as_csv(table.build(results))), "tex": ("text/x-tex", tex)}
    return {f"{table.name}.{suffix}": link(kind, text.encode()) for suffix, (kind, text) in files.items()}


def images(folder: Path) -> list[dict[str, Any]]:
    """Return every figure's name, title, caption, and PNG and PDF as addresses."""
    found, kinds = [], {"png": "image/png", "pdf": "application/pdf"}
    for name, caption in captions.read(folder).items():
        files = {suffix: link(kind, (folder / f"{name}.{suffix}").read_bytes()) for suffix, kind in kinds.items()}
        found.append({"name": name, "title": caption.title, "text": caption.text, **files})
    return found


def write(results: Results, figures: Path, output: Path) -> None:
    """Write the page, with the drawn `figures`, to the file `output`."""
    prefix = Path(os.path.relpath(results.root, output.parent)).as_posix()
    write_text(output, page(results, figures, "" if prefix == "." else f"{prefix}/"))
    print(f"report: {output} from {results.provenance.records}")


def main(
    root: options.Records,
    output: Annotated[Path, typer.Option(metavar="FILE", help="report.html")],
    config: options.Config = None,
) -> None:
    write(gather(root, config), root / "figures", output)


if __name__ == "__main__":
    command_line(main)
