"""The tables, one per file. A new file that defines TABLE appears in the tables, the report and the article."""

import math
from pathlib import Path

import pandas as pd

from workflow.reporting import columns, render
from workflow.reporting.registry import registered
from workflow.reporting.results import Results
from workflow.reporting.table import Table
from workflow.reporting.widths import pages
from workflow.storage.files import write_text

TABLES: dict[str, Table] = registered(__name__, __path__, "TABLE")
MODULE = "workflow.commands.tables"
PARTS = "dc:hasPart"  # in the metadata of a table: its files in tabular/


def as_csv(frame: pd.DataFrame) -> str:
    """Return the data frame of a table as CSV: every column, accuracies as fractions."""
    return frame.to_csv(index=False, lineterminator="\n", float_format="%.10g")


def write(results: Results, output: Path, names: list[str], height: float = math.inf) -> None:
    """Write the tables `names` to `output`: CSV with a metadata file, Markdown, LaTeX, and the tabulars alone."""
    comments = results.provenance.lines(MODULE)
    if results.records.empty:  # without records, only the first line applies
        del comments[1:]
    for table in (TABLES[name] for name in names):
        stem, printed, empty = output / table.name, table.printed(results), table.empty_text(results)
        parts = [part for sheet in printed for part in pages(sheet._replace(height=min(height, sheet.height)))]
        found = table.build(results)
        write_text(stem.with_suffix(".csv"), as_csv(found))
        # CSV cannot hold comments, so the provenance goes into its metadata
        origin = {"dc:title": table.title, "dc:provenance": comments}
        origin[PARTS] = [f"tabular/{part.name}.tex" for part in parts]
        described = columns.metadata(f"tables/{table.name}.csv", found.columns, table.meanings, **origin)
        write_text(stem.with_suffix(".csv-metadata.json"), described)
        write_text(stem.with_suffix(".tex"), render.to_tex(parts, comments, empty))
        for old in [*output.glob(f"tabular/{table.name}.tex"), *output.glob(f"tabular/{table.name}-*.tex")]:
            old.unlink()  # of a part that there is no more
        for part in parts:
            write_text(output / "tabular" / f"{part.name}.tex", render.alone(part, comments))
        write_text(stem.with_suffix(".md"), render.to_markdown(table.title, printed, comments, empty))
