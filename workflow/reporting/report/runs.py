"""Every run as the report shows it: record, curve, specification and environment; equal texts are stored once."""

import math
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.experiments import curves
from workflow.reporting import layout as layouts
from workflow.reporting import models
from workflow.reporting.provenance import UNCOMMITTED
from workflow.reporting.records import IDENTITY
from workflow.reporting.results import Results

COLUMNS = {
    "dataset": "Data set",
    "front_end": "Front end",
    "model": "Model",
    "protocol": "Protocol",
    "fold": "Fold",
    "seed": "Seed",
    "status": "Status",
    "test_accuracy": "Test acc., epoch chosen on validation",
    "best_epoch_accuracy": "Test acc., best test epoch",
    "epochs": "Epochs",
    "train_seconds": "Training (s)",
}
PERCENT = ["test_accuracy", "best_epoch_accuracy", "validation_accuracy", "test_top5", "test_macro_f1"]
SHARED = {"specification": "specification.yaml", "environment": "environment.json"}
FILES = ["result.json", "metrics.jsonl", "predictions.csv", *SHARED.values()]
CURVES = ("train_accuracy", "validation_accuracy", "test_accuracy")
MAX_POINTS = 80  # per curve on the page; metrics.jsonl has every epoch


def collect(results: Results) -> dict[str, Any]:
    """Return the runs and the texts that they share, ready for JSON."""
    texts: dict[str, dict[str, int]] = {key: {} for key in SHARED}
    runs = []
    for row in results.records.to_dict("records"):
        folder = (results.root / row["record"]).parent
        run = {name: value for name, value in row.items() if pd.notna(value)}
        if run.pop("git_dirty", False):
            run["git_commit"] += f" ({UNCOMMITTED})"
        run["path"] = "/".join(row["record"].split("/")[-7:-1])  # below runs/
        run["text"] = search_text(results, run)
        run["files"] = [name for name in FILES if (folder / name).is_file()]
        if epochs := curves.read(folder / "metrics.jsonl"):
            run["curve"] = curve(epochs)
        for key, name in SHARED.items():
            if name in run["files"]:
                run[key] = texts[key].setdefault(shared_text(folder / name), len(texts[key]))
        runs.append(run)
    return {"runs": runs, "columns": list(COLUMNS), "percent": PERCENT, **{key: list(texts[key]) for key in texts}}


def search_text(results: Results, run: dict[str, Any]) -> str:
    """Return what the search looks at, in lower case: the path of the run and printed names of the run."""
    names = [run["record"], run["status"]]
    if "model" in run:
        names.append(models.label(results, run["model"]))
        names.append(layouts.data_label(results.layout, run["dataset"], run["front_end"]))
    return " ".join(names).lower()


def curve(epochs: list[curves.Epoch]) -> dict[str, list]:
    """Return epochs and accuracies, thinned to at most MAX_POINTS plus the last; None for a value that a line lacks."""
    kept = sorted({*range(0, len(epochs), -(-len(epochs) // MAX_POINTS)), len(epochs) - 1})
    lines = {name: curves.column([epochs[index] for index in kept], name) for name in ("epoch", *CURVES)}
    return {name: [None if math.isnan(value) else round(value, 4) for value in line] for name, line in lines.items()}


def shared_text(path: Path) -> str:
    """Return a file's text without the run's identity, so that runs can share it."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    return "".join(line for line in lines if line.partition(":")[0] not in IDENTITY)
