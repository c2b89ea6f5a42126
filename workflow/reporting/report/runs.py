"""The runs as the page embeds them: record, curve, and texts that several runs share, stored once."""

import math
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.experiments import curves
from workflow.reporting import models, records
from workflow.reporting.columns import entry
from workflow.reporting.provenance import UNCOMMITTED
from workflow.reporting.results import Results

FACETS = [*records.EXPERIMENT, "status"]  # columns with a filter of their own
SHOWN = {  # column -> heading; the others can be added on the page
    "dataset": "Data set",
    **{name: name.replace("_", " ").capitalize() for name in records.IDENTITY[1:]},
    "status": "State",
    **{name: title.replace("Test accuracy,", "Test acc. (%),") for name, title in records.ACCURACIES.items()},
    "weights": "Weights W + U",
    "train_seconds": "Training (s)",
}
SHARED = {"specification": "specification.yaml", "environment": "environment.json"}
FILES = ["result.json", "metrics.jsonl", "predictions.csv", *SHARED.values()]
CURVES = ("train_accuracy", "validation_accuracy", "test_accuracy")
MAX_POINTS = 80  # per curve on the page; metrics.jsonl has every epoch


def embedded(results: Results) -> dict[str, Any]:
    """Return the runs, their columns, the printed names and the shared texts, ready for JSON."""
    texts: dict[str, dict[str, int]] = {key: {} for key in SHARED}
    runs = [_run(results, row, texts) for row in results.records.to_dict("records")]
    return {
        "runs": runs,
        "columns": columns(),
        "identity": records.IDENTITY,
        "labels": labels(results),
        **{key: list(found) for key, found in texts.items()},
    }


def columns() -> list[dict[str, Any]]:
    """Return every column: key, title, meaning, whether in percent, shown at first, and filtered by its values."""
    others = [name for name in records.COLUMNS if name not in (*SHOWN, "record", "git_dirty")] + ["path"]
    found = []
    for name in [*SHOWN, *others]:
        unit, meaning = entry("results.csv", name) or ("text", "")
        percent = unit == "fraction"
        title = SHOWN.get(name, name.replace("_", " ") + " (%)" * percent)
        place = {"visible": name in SHOWN, "facet": name in FACETS}
        found.append({"key": name, "title": title, "about": meaning, "percent": percent, **place})
    return found


def labels(results: Results) -> dict[str, dict[str, str]]:
    """Return the printed name of every data set, front end, model and protocol."""
    of = {axis: partial(results.label, axis) for axis in records.EXPERIMENT} | {"model": partial(models.label, results)}
    names = {axis: results.records[axis].dropna().unique() for axis in records.EXPERIMENT}
    return {axis: {name: of[axis](name) for name in names[axis]} for axis in records.EXPERIMENT}


def _run(results: Results, row: dict[str, Any], texts: dict[str, dict[str, int]]) -> dict[str, Any]:
    folder = (results.root / row["record"]).parent
    run = {name: value for name, value in row.items() if pd.notna(value) and value != ""}
    if run.pop("git_dirty", False):
        run["git_commit"] += f" ({UNCOMMITTED})"
    if {"W", "U"} <= set(run):
        run["weights"] = run["W"] + run["U"]
    run["path"] = "/".join(["", *row["record"].split("/")[-7:-1], ""])  # /dataset/.../seed/
    run["files"] = [name for name in FILES if (folder / name).is_file()]
    if epochs := curves.read(folder / "metrics.jsonl"):
        run["curve"] = curve(epochs)
    for key, name in SHARED.items():
        if name in run["files"]:
            run[key] = texts[key].setdefault(shared_text(folder / name), len(texts[key]))
    return run


def curve(epochs: list[curves.Epoch]) -> dict[str, list]:
    """Return epochs and accuracies, thinned to at most MAX_POINTS plus the last; None for a value that a line lacks."""
    kept = sorted({*range(0, len(epochs), -(-len(epochs) // MAX_POINTS)), len(epochs) - 1})
    lines = {name: curves.column([epochs[index] for index in kept], name) for name in ("epoch", *CURVES)}
    return {name: [None if math.isnan(value) else round(value, 4) for value in line] for name, line in lines.items()}


def shared_text(path: Path) -> str:
    """Return a file's text without the run's identity, so that runs can share it."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    return "".join(line for line in lines if line.partition(":")[0] not in records.IDENTITY)
