"""The records of runs, read and checked: all that tables, figures, report and article are made from.

An unusable record stays as a row (`status` damaged or duplicate) with the reason. Means exclude it; tables list it.
"""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.experiments import configuration_file, grid, states
from workflow.experiments.configuration import Configuration
from workflow.experiments.record import Record
from workflow.experiments.states import DAMAGED
from workflow.storage.errors import InputError
from workflow.storage.files import known_json

EXPERIMENT = ["dataset", "front_end", "model", "protocol"]
PLACE = EXPERIMENT[:3]  # an experiment without its protocol: a model on a data set
IDENTITY = [*EXPERIMENT, "fold", "seed"]
DUPLICATE = "duplicate"  # a state of records in addition to those of experiments/states.py
ACCURACIES = {  # column -> printed name
    "test_accuracy": "Test accuracy, epoch chosen on validation",
    "final_epoch_accuracy": "Test accuracy, last epoch",
    "best_epoch_accuracy": "Test accuracy, best test epoch (optimistic)",
}
SCHEMA = Record.model_json_schema()
WEIGHTS = list(SCHEMA["$defs"]["Parameters"]["properties"])
PARTS = ["n_train", "n_validation", "n_test"]  # numbers of clips
SCORES = [*ACCURACIES, "validation_accuracy", "test_top5", "test_macro_f1"]
KEYS: dict[str, dict[str, Any]] = SCHEMA["properties"] | SCHEMA["$defs"]["Parameters"]["properties"]
DTYPES = {"integer": "Int64", "number": "float64", "string": "object"}  # of scalars, by their type in the schema
TYPES = {name: kind for name, about in KEYS.items() if (kind := about.get("anyOf", [about])[0].get("type")) in DTYPES}
TYPES |= dict.fromkeys(PARTS, "integer")
COLUMNS = [*TYPES, "git_dirty", "record"]
# names go into LaTeX labels and the names of files
FOLDER = re.compile(4 * r"/([\w-]+)" + r"/fold(\d+)/seed(\d+)/result\.json$", re.ASCII)


def find(root: str | Path) -> list[Path]:
    """Return every result.json below `root`, sorted.

    Raise InputError if there is no such folder.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; expected one with result.json files below it")
    return sorted(root.rglob("result.json"))


def read(root: str | Path) -> pd.DataFrame:
    """Return a row per record below `root` with COLUMNS, sorted by identity; `record` is relative to `root`."""
    rows: list[dict[str, Any]] = []
    first: dict[tuple, str] = {}
    for path in find(root):
        where = path.relative_to(root).as_posix()
        found, identity = states.recorded(path.parent), identity_of(where)
        row = _row(found.record) if found.record else {}
        wrong = [
            f"{name} is {row[name]!r}; expected {value!r}, as in the folder name"
            for name, value in identity.items()
            if row and row[name] != value
        ]
        if wrong or not row:
            row = {**identity, "status": DAMAGED, "failure": wrong[0] if wrong else found.reason}
        elif first.setdefault(key := tuple(row[name] for name in IDENTITY), where) != where:
            row |= {"status": DUPLICATE, "failure": f"the same run as {first[key]}"}
        git = known_json(path.with_name("environment.json")).get("git", {})
        rows.append(row | {"git_dirty": git.get("dirty"), "record": where})
    return to_table(rows)


def configuration_of(root: str | Path, path: str | Path | None = None) -> Configuration | None:
    """Return the configuration of `path`, else of config.yaml in the folder of records, else None."""
    resolved = Path(root) / "config.yaml"  # written by the pipeline
    if path is None and not resolved.is_file():
        return None
    try:
        return configuration_file.load(path or resolved)
    except InputError as error:
        if path is not None and Path(path).resolve() != resolved.resolve():  # the user's own, not to be deleted
            raise
        problem = str(error).partition(";")[0]  # without its remedy, an edit
        raise InputError(f"{problem}; delete {resolved} and rerun; it will be rebuilt") from None


def read_table(path: Path, **settings: Any) -> pd.DataFrame:
    """Return a CSV file as pandas reads it with `settings`. Raise InputError if it is missing or is something else."""
    try:
        return pd.read_csv(path, **settings)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except ValueError as error:  # pandas' own errors, and of UTF-8
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path}: not a CSV file in UTF-8 with commas between columns ({reason}); save it as such"
        ) from None


def read_for(root: Path, config: Configuration | None) -> pd.DataFrame:
    """Return `read(root)`, with status outdated for records that a configuration asks for otherwise or not at all."""
    table = read(root)
    if config is None:
        return table
    wanted = {tuple(run.identity.values()): run for run in grid.runs(config)}
    place = root.parent / config.data if config.data not in (None, config.name) else root
    changed = states.other_data(place / "data", config.frames)

    def reason(row: Any) -> str:
        run = wanted.get(tuple(getattr(row, name) for name in IDENTITY))
        if run is None:
            return states.UNASKED
        usable = row.status in ("ok", states.FAILED)
        return states.outdated(row, (root / row.record).parent, run.plain, changed) if usable else ""

    found = {row.Index: why for row in table.dropna(subset=IDENTITY).itertuples() if (why := reason(row))}
    table.loc[list(found), "status"], table.loc[list(found), "failure"] = states.OUTDATED, list(found.values())
    return table


def _row(record: Record) -> dict[str, Any]:
    """Return the values of COLUMNS in a record; the rest, such as the confusion of 51 classes, would fill gigabytes."""
    found = vars(record) | vars(record.parameters) | {f"n_{part}": clips for part, clips in record.clips.items()}
    return {name: found[name] for name in TYPES if name in found}


def to_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return `rows` with every column of COLUMNS; integer columns stay integer even if values are missing."""
    table = pd.DataFrame(rows, columns=COLUMNS).astype({name: DTYPES[kind] for name, kind in TYPES.items()})
    return table.sort_values([*IDENTITY, "record"], na_position="last", ignore_index=True)


def identity_of(where: str) -> dict[str, Any]:
    """Return the identity in the path of a record; empty for a path that does not follow the layout of runs/."""
    found = FOLDER.search(f"/{where}")
    if not found:
        return {}
    *experiment, fold, seed = found.groups()
    return dict(zip(IDENTITY, [*experiment, int(fold), int(seed)], strict=True))


def problems(records: pd.DataFrame) -> list[str]:
    """Return a line per excluded record: its path, status and reason."""
    excluded = records[records["status"] != "ok"]
    return [f"{row.record}: {row.status}: {row.failure}" for row in excluded.itertuples()]
