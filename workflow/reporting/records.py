"""The records of runs, read and checked: all that tables, figures, report and article are made from.

A record that cannot be trusted stays as a row with the reason (`status` damaged or duplicate). No mean includes it,
and the tables name it.
"""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.experiments.problems import ConfigurationError
from workflow.experiments.record import Record
from workflow.reporting.files import ReportingError
from workflow.storage import seal
from workflow.training import finished

IDENTITY = ["dataset", "front_end", "model", "protocol", "fold", "seed"]
EXPERIMENT = ["dataset", "front_end", "model", "protocol"]
ACCURACIES = {  # -> its name in print; the two are never mixed
    "test_accuracy": "Test accuracy, epoch chosen on validation",
    "best_epoch_accuracy": "Test accuracy, best test epoch (optimistic)",
}
WEIGHTS = ["W", "U", "bias", "classifier"]
MEASURES = [
    "test_accuracy",
    "best_epoch_accuracy",
    "validation_accuracy",
    "test_top5",
    "test_macro_f1",
    "epochs",
    "best_epoch",
]
COST = ["train_seconds", "step_ms", "peak_memory_mb"]
ORIGIN = ["device", "data_digest", "split_digest", "git_commit", "git_dirty"]
COLUMNS = [*IDENTITY, "family", "recipe", "status", *MEASURES, *WEIGHTS, *COST, *ORIGIN, "failure", "record"]
INTEGERS = ["fold", "seed", "epochs", "best_epoch", *WEIGHTS]
FOLDER = re.compile(
    r"(?:^|/)(?P<dataset>[^/]+)/(?P<front_end>[^/]+)/(?P<model>[^/]+)/(?P<protocol>[^/]+)"
    r"/fold(?P<fold>\d+)/seed(?P<seed>\d+)/result\.json$"
)


class RecordError(ReportingError):
    """A record that does not follow its definition or contradicts itself."""


def find(root: str | Path) -> list[Path]:
    """Return every result.json below `root`, sorted, without the copies kept beside checkpoints.

    Raise ReportingError if there is no such folder.
    """
    root = Path(root)
    if not root.is_dir():
        raise ReportingError(f"{root}: no such folder of records")
    return sorted(path for path in root.rglob("result.json") if not path.parent.name.endswith(finished.SUFFIX))


def read(root: str | Path) -> pd.DataFrame:
    """Return a row per record below `root` with COLUMNS, sorted by identity; `record` is relative to `root`."""
    root = Path(root)
    rows: list[dict[str, Any]] = []
    first: dict[tuple, str] = {}
    for path in find(root):
        where = path.relative_to(root).as_posix()
        try:
            row = check(json.loads(path.read_text(), parse_constant=_not_a_number), f"/{where}")
        except (RecordError, json.JSONDecodeError, UnicodeDecodeError) as error:
            kind = "" if isinstance(error, RecordError) else "not JSON: "
            row = {**identity_of(f"/{where}"), "status": "damaged", "failure": f"{kind}{error}"}
        key = tuple(row.get(name) for name in IDENTITY)
        if row["status"] != "damaged" and first.setdefault(key, where) != where:
            row = {**row, "status": "duplicate", "failure": f"the same run as {first[key]}"}
        rows.append({**row, "git_dirty": is_dirty(path.with_name("environment.json")), "record": where})
    return frame(rows)


def is_dirty(environment: Path) -> bool | None:
    """Return whether a run used code that differs from its commit; None if environment.json does not hold it."""
    try:
        return json.loads(environment.read_text())["git"]["dirty"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return `rows` with every column of COLUMNS; whole numbers stay whole if some are missing."""
    table = pd.DataFrame(rows, columns=COLUMNS)
    table = table.astype(dict.fromkeys(INTEGERS, "Int64"))
    table = table.astype(dict.fromkeys((*MEASURES[:5], *COST), "float64"))
    return table.sort_values([*IDENTITY, "record"], na_position="last", ignore_index=True)


def check(record: Any, where: str = "") -> dict[str, Any]:
    """Return a record as a flat row. Raise RecordError if it is not valid or not the run of its folder."""
    try:
        Record.parse(record)
    except ConfigurationError as error:
        raise RecordError(str(error)) from None
    if seal.broken(record):
        raise RecordError("corrupt (checksum mismatch); delete it and start again")
    for name, value in identity_of(where).items():
        if record[name] != value:
            raise RecordError(f"{name} is {record[name]!r}, but {value!r} in the name of its folder")
    flat = {name: value for name, value in record.items() if name != "parameters"}
    return {**flat, **record["parameters"]}


def identity_of(where: str) -> dict[str, Any]:
    """Return the identity in the path of a record; empty for a path that does not follow the layout of runs/."""
    found = FOLDER.search(where)
    if not found:
        return {}
    return {name: int(text) if name in INTEGERS else text for name, text in found.groupdict().items()}


def successful(records: pd.DataFrame) -> pd.DataFrame:
    """Return the records that means include."""
    return records[records["status"] == "ok"]


def problems(records: pd.DataFrame) -> list[str]:
    """Return a sentence for every record that no mean includes."""
    bad = records[records["status"] != "ok"]
    return [f"{row.record}: {row.status}: {row.failure}" for row in bad.itertuples()]


def _not_a_number(text: str) -> None:
    raise RecordError(f"{text} is not a number that JSON allows")
