"""Every run as the report shows it: record, curve, specification and environment; equal texts are stored once."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

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
FILES = ["result.json", "metrics.jsonl", "predictions.csv", "specification.yaml", "environment.json"]
CURVES = ("train_accuracy", "validation_accuracy", "test_accuracy")
MOST_POINTS = 80  # of a curve on the page; metrics.jsonl has all


def collect(results: Results) -> dict[str, Any]:
    """Return the runs and the texts that they share, ready for JSON."""
    shared: dict[str, dict[str, int]] = {"specification": {}, "environment": {}}
    runs = []
    for row in results.records.to_dict("records"):
        folder = (results.root / row["record"]).parent
        run = {name: _plain(value) for name, value in row.items()}
        if run.pop("git_dirty"):
            run["git_commit"] = f"{run['git_commit']} ({UNCOMMITTED})"
        run |= {"curve": curve(folder / "metrics.jsonl"), "path": _path(row), "text": _names(results, row)}
        run["files"] = [name for name in FILES if (folder / name).is_file()]
        texts = {"specification": specification(folder), "environment": environment(folder)}
        run |= {key: shared[key].setdefault(text, len(shared[key])) for key, text in texts.items() if text}
        runs.append({name: value for name, value in run.items() if value is not None})
    return {"runs": runs, "columns": list(COLUMNS), "percent": PERCENT, **{key: list(shared[key]) for key in shared}}


def curve(path: Path) -> dict[str, list] | None:
    """Return epochs and accuracies, thinned to MOST_POINTS; None without metrics."""
    epochs = curves.read(path)
    if not epochs:
        return None
    step = -(-len(epochs) // MOST_POINTS)
    thinned = epochs[::step] if (len(epochs) - 1) % step == 0 else [*epochs[::step], epochs[-1]]
    lines = {name: [_rounded(value) for value in curves.column(thinned, name)] for name in CURVES}
    return {"epoch": [entry["epoch"] for entry in thinned], **lines}


def specification(folder: Path) -> str | None:
    """Return specification.yaml without the identity of the run, so that many runs have the same text."""
    path = folder / "specification.yaml"
    if not path.is_file():
        return None
    found = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    if isinstance(found, dict):
        found = {name: value for name, value in found.items() if name not in IDENTITY}
    return yaml.dump(found, sort_keys=False, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper))


def environment(folder: Path) -> str | None:
    """Return environment.json, indented."""
    path = folder / "environment.json"
    if not path.is_file():
        return None
    try:
        return json.dumps(json.loads(path.read_text()), indent=1)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        return f"{path.name} is not JSON: {error}"


def _path(row: dict[str, Any]) -> str:
    return "/".join(row["record"].split("/")[-7:-1])  # below runs/


def _names(results: Results, row: dict[str, Any]) -> str:
    """Return what the search looks at, in lower case: the path of the run and the printed names."""
    names = [row["record"], row["status"]]
    if isinstance(row["model"], str):
        names.append(models.label(results, row["model"]))
        names.append(layouts.data_label(results.layout, row["dataset"], row["front_end"]))
    return " ".join(names).lower()


def _plain(value: Any) -> Any:
    if value is None or value is pd.NA or value != value:
        return None
    return value.item() if hasattr(value, "item") else value


def _rounded(value: float) -> float | None:
    return None if value != value else round(value, 4)
