"""The part of a folder of results that a repository can hold: no weights, no clip names, one curve per experiment.

Every run has result.json, on one line (its seal still holds; it keeps the digests of what is left out), and
predictions.csv without clip names and probabilities. Fold 0, seed 0 of every experiment also has its curve, without
spaces, and its specification and environment, which name the machine.
"""

import json
import shutil
from pathlib import Path

import pandas as pd

from workflow.datasets.front_ends import EXTRACTED
from workflow.experiments import configuration_file
from workflow.experiments.configuration import complete
from workflow.experiments.states import DAMAGED
from workflow.reporting import records
from workflow.reporting.results import Results
from workflow.storage import files, seal
from workflow.storage.errors import InputError

DETAILED, DETAILS = "fold0/seed0", ("specification.yaml", "environment.json")
PREDICTIONS = ["label", "predicted", "siblings"]
FRAMES = ("digest", "shape", "classes", "count", "sampling", "width", "height")  # of frames.json


def ship(results: Results, target: Path) -> int:
    """Replace config.yaml, data/ and runs/ in `target`; return the bytes shipped.

    Raise InputError, with `target` unchanged, if a record is damaged or the configuration is missing.
    """
    if results.config is None or results.records.empty:
        raise InputError(f"{results.root}: expected the results of a configuration: config.yaml and runs/ with records")
    damaged = results.records[results.records["status"] == DAMAGED]
    for sentence in records.problems(damaged):
        raise InputError(f"{results.root}: {sentence}; rerun the configuration, which makes the record again")
    part = target / ".part"
    shutil.rmtree(part, ignore_errors=True)
    for name in results.records["record"]:
        _copy_run(results.root / name, part / name)
    for table in results.root.glob("data/*/leakage.csv"):
        folder = part / table.parent.relative_to(results.root)
        folder.mkdir(parents=True)
        shutil.copyfile(table, folder / table.name)
        frames = files.known_json(table.with_name("frames.json"))
        seal.write(folder / "frames.json", {name: frames[name] for name in FRAMES if name in frames})
    plain = results.config.plain
    for entry in plain["datasets"].values():
        entry["source"] = None  # a path on this machine
    for name in EXTRACTED:
        plain[name]["weights"] = None  # another
    files.write_text(part / "config.yaml", configuration_file.resolved(complete(plain)))
    size = sum(path.stat().st_size for path in part.rglob("*") if path.is_file())
    for path in sorted(part.iterdir()):
        old = target / path.name
        shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
        path.rename(old)
    part.rmdir()
    return size


def _copy_run(record: Path, target: Path) -> None:
    target.parent.mkdir(parents=True)
    target.write_text(_on_one_line(record.read_text()))
    predictions, curve = (record.with_name(name) for name in ("predictions.csv", "metrics.jsonl"))
    if predictions.is_file():
        pd.read_csv(predictions)[PREDICTIONS].to_csv(
            target.with_name(predictions.name), index=False, lineterminator="\n"
        )
    if f"/{DETAILED}/" not in record.as_posix():
        return
    if curve.is_file():
        target.with_name(curve.name).write_text("".join(map(_on_one_line, curve.read_text().splitlines())))
    for name in DETAILS:
        if record.with_name(name).is_file():
            shutil.copyfile(record.with_name(name), target.with_name(name))


def _on_one_line(text: str) -> str:
    """Return JSON on one line, without spaces."""
    return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False) + "\n"
