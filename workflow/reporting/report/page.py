"""report.html: one self-contained page with all tables, figures and runs.

A run is shown with its record, curve, specification and environment; equal texts are stored once.
"""

import base64
import math
import os
from pathlib import Path
from typing import Annotated, Any

import jinja2
import pandas as pd
import typer

from workflow.experiments import curves
from workflow.reporting import captions, models, options, records
from workflow.reporting import layout as layouts
from workflow.reporting.provenance import UNCOMMITTED
from workflow.reporting.results import Results, gather
from workflow.reporting.tables import TABLES
from workflow.storage.command_line import command_line
from workflow.storage.files import write_text

MODULE = "workflow.reporting.report.page"
FILES_OF = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
TEMPLATES = jinja2.Environment(loader=FILES_OF, autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
JSON = {"ensure_ascii": False, "separators": (",", ":"), "allow_nan": False}
COLUMNS = {
    "dataset": "Data set",
    **{name: name.replace("_", " ").capitalize() for name in records.IDENTITY[1:]},
    "status": "Status",
    "test_accuracy": "Test acc., epoch chosen on validation",
    "best_epoch_accuracy": "Test acc., best test epoch",
    "epochs": "Epochs",
    "train_seconds": "Training (s)",
}
SHARED = {"specification": "specification.yaml", "environment": "environment.json"}
FILES = ["result.json", "metrics.jsonl", "predictions.csv", *SHARED.values()]
CURVES = ("train_accuracy", "validation_accuracy", "test_accuracy")
MAX_POINTS = 80  # per curve on the page; metrics.jsonl has every epoch


def page(results: Results, figures: Path, prefix: str = "") -> str:
    """Return the page. figures: folder of the drawn figures. prefix: path from the page to the records, for links."""
    states = results.excluded["status"].value_counts().sort_index().to_dict()
    TEMPLATES.policies["json.dumps_kwargs"] = JSON
    return TEMPLATES.get_template("report.html.j2").render(
        title=results.config.name if results.config else "a folder of records",
        comments=results.provenance.lines(MODULE),
        counts={"done": len(results.successful_records)} | states,
        problems=records.problems(results.records),
        results=results,
        tables=TABLES.values(),
        figures=images(figures),
        columns=COLUMNS,
        data=runs(results) | {"prefix": prefix},
    )


def images(folder: Path) -> list[tuple[str, str, str, str]]:
    """Return (name, title, PNG in base64, caption) of every figure; "" and the reason for one with nothing to show."""
    drawn = []
    for name, caption in captions.read(folder).items():
        image = (folder / f"{name}.png").read_bytes() if caption.width else b""
        drawn.append((name, caption.title, base64.b64encode(image).decode(), caption.text))
    return drawn


def runs(results: Results) -> dict[str, Any]:
    """Return the runs and the texts that they share, ready for JSON."""
    texts: dict[str, dict[str, int]] = {key: {} for key in SHARED}
    shown = []
    for row in results.records.to_dict("records"):
        folder = (results.root / row["record"]).parent
        run = {name: value for name, value in row.items() if pd.notna(value)}
        if run.pop("git_dirty", False):
            run["git_commit"] += f" ({UNCOMMITTED})"
        names = [run["record"], run["status"]]  # that the search looks at
        if "model" in run:
            names.append(models.label(results, run["model"]))
            names.append(layouts.data_label(results.layout, run["dataset"], run["front_end"]))
        run["path"] = "/".join(row["record"].split("/")[-7:-1])  # below runs/
        run["text"] = " ".join(names).lower()
        run["files"] = [name for name in FILES if (folder / name).is_file()]
        if epochs := curves.read(folder / "metrics.jsonl"):
            run["curve"] = curve(epochs)
        for key, name in SHARED.items():
            if name in run["files"]:
                run[key] = texts[key].setdefault(shared_text(folder / name), len(texts[key]))
        shown.append(run)
    shared = {key: list(found) for key, found in texts.items()}
    return {"runs": shown, "columns": list(COLUMNS), "percent": records.SCORES} | shared


def curve(epochs: list[curves.Epoch]) -> dict[str, list]:
    """Return epochs and accuracies, thinned to at most MAX_POINTS plus the last; None for a value that a line lacks."""
    kept = sorted({*range(0, len(epochs), -(-len(epochs) // MAX_POINTS)), len(epochs) - 1})
    lines = {name: curves.column([epochs[index] for index in kept], name) for name in ("epoch", *CURVES)}
    return {name: [None if math.isnan(value) else round(value, 4) for value in line] for name, line in lines.items()}


def shared_text(path: Path) -> str:
    """Return a file's text without the run's identity, so that runs can share it."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    return "".join(line for line in lines if line.partition(":")[0] not in records.IDENTITY)


def write(results: Results, figures: Path, output: Path) -> None:
    """Write the page, with the drawn `figures`, to the file `output`."""
    prefix = Path(os.path.relpath(results.root, output.parent)).as_posix()
    write_text(output, page(results, figures, "" if prefix == "." else f"{prefix}/"))
    print(f"report: {output} from {results.provenance.records}")


def main(
    root: options.Records,
    output: Annotated[Path, typer.Option(metavar="FILE", help="report.html")],
    config: options.Config = None,
    layout: options.Layout = None,
    reported: options.Reported = None,
    figures: options.Figures = None,
) -> None:
    write(gather(root, config, layout, reported), figures or root / "figures", output)


if __name__ == "__main__":
    command_line(main)
