"""Every run as the report shows it: record, curve, specification, environment; equal parts stored once."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from workflow.reporting import curves
from workflow.reporting.provenance import UNCOMMITTED
from workflow.reporting.records import IDENTITY
from workflow.reporting.results import Results

MOST_POINTS = 80  # of a curve on the page; the stream beside the record has all
SHOWN = ("train_accuracy", "validation_accuracy", "test_accuracy", "train_loss", "validation_loss")


def collect(results: Results) -> dict[str, Any]:
    """{"runs": a dict per record, "specifications": [...], "environments": [...]}, ready for JSON."""
    shared: dict[str, dict[str, int]] = {"specifications": {}, "environments": {}}
    runs = []
    for row in results.records.to_dict("records"):
        folder = (results.root / row["record"]).parent
        run = {name: _plain(value) for name, value in row.items()}
        if run.pop("git_dirty"):
            run["git_commit"] = f"{run['git_commit']} ({UNCOMMITTED})"
        run["curve"] = curve(folder / "metrics.jsonl")
        run["specification"] = _index(shared["specifications"], specification(folder / "specification.yaml"))
        run["environment"] = _index(shared["environments"], environment(folder / "environment.json"))
        runs.append({name: value for name, value in run.items() if value is not None})
    return {"runs": runs, **{name: list(texts) for name, texts in shared.items()}}


def curve(path: Path) -> dict[str, list] | None:
    """Epochs and SHOWN quantities, thinned to MOST_POINTS; None without a stream of metrics."""
    epochs = curves.read(path)
    if not epochs:
        return None
    step = -(-len(epochs) // MOST_POINTS)
    thinned = epochs[::step] if (len(epochs) - 1) % step == 0 else [*epochs[::step], epochs[-1]]
    lines = {name: [_rounded(value) for value in curves.column(thinned, name)] for name in SHOWN}
    return {"epoch": [entry["epoch"] for entry in thinned], **lines}


def specification(path: Path) -> str | None:
    """The text of a specification without the run's identity, which the page shows anyway."""
    if not path.is_file():
        return None
    found = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    if isinstance(found, dict):
        found = {name: value for name, value in found.items() if name not in IDENTITY}
    return yaml.dump(found, sort_keys=False, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper))


def environment(path: Path) -> str | None:
    """The text of environment.json, indented."""
    if not path.is_file():
        return None
    try:
        return json.dumps(json.loads(path.read_text()), indent=1)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        return f"{path.name} is not JSON: {error}"


def _index(texts: dict[str, int], text: str | None) -> int | None:
    return None if text is None else texts.setdefault(text, len(texts))


def _plain(value: Any) -> Any:
    if value is None or value is pd.NA or value != value:
        return None
    return value.item() if hasattr(value, "item") else value


def _rounded(value: float) -> float | None:
    return None if value != value else round(value, 4)
