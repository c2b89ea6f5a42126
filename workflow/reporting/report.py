"""report.html: one self-contained page with all tables, figures and runs."""

import argparse
import base64
import sys
from pathlib import Path

import jinja2

from workflow.reporting import figures, records, tables
from workflow.reporting.content.material import Material, gather
from workflow.reporting.files import ReportingError, write_text
from workflow.reporting.plots import style

MODULE = "workflow.reporting.report"
TEMPLATES = Path(__file__).parent / "templates"


def page(material: Material) -> str:
    """The whole page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    shown = [(name, tables.TITLES[name], module.sheets(material)) for name, module in tables.TABLES.items()]
    drawn = []
    with style.in_style():
        for name, module in figures.FIGURES.items():
            drawing = module.draw(material)
            image = style.png(drawing, name, material.provenance.lines(MODULE))
            drawn.append((name, base64.b64encode(image).decode(), drawing.caption))
    return environment.get_template("report.html.j2").render(
        title=material.config["name"] if material.config else "records",
        comments=material.provenance.lines(MODULE),
        problems=records.problems(material.records),
        tables=shown,
        figures=drawn,
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--from", dest="root", required=True, metavar="DIR", help="folder that holds records")
    parser.add_argument("--output", required=True, metavar="FILE", help="report.html")
    parser.add_argument("--config", metavar="FILE", help="configuration whose runs are expected")
    parser.add_argument("--layout", metavar="FILE", help="columns, rows, order, precision (paper/layout.yaml)")
    parser.add_argument("--reported", metavar="FILE", help="published numbers (paper/reported.csv)")
    options = parser.parse_args(arguments)
    try:
        material = gather(options.root, options.config, options.layout, options.reported)
        write_text(options.output, page(material))
    except ReportingError as error:
        sys.exit(f"report: {error}")
    print(f"report: {options.output} from {material.provenance.records}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
