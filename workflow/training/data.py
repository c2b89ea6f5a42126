"""The clips of one fold: labels and rows by part, over an array that stays on the disk until it is used."""

import csv
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workflow.training.errors import InputError, RunFailure
from workflow.training.settings import Specification

PARTS = ("train", "validation", "test")
TENSORS = {"pixels": "frames", "cnn": "features"}  # <name>.npy and <name>.json of each front end


@dataclass(frozen=True)
class Fold:
    """`clips`: array (N, T, ...) of all clips, memory-mapped; `rows`: for each part its rows of it.

    `labels` (N,): index in `classes`, -1 for a clip that this fold does not use. `lengths` (N,): frames of each
    clip, or None where every clip fills all T.
    """

    clips: np.ndarray
    names: list[str]
    labels: np.ndarray
    lengths: np.ndarray | None
    rows: dict[str, np.ndarray]
    classes: list[str]
    data_digest: str
    split_digest: str


def load(folder: Path, specification: Specification) -> Fold:
    """The fold of `specification` from the files of the data steps; InputError for files that do not fit."""
    tensor = TENSORS.get(specification.front_end)
    if tensor is None:
        raise InputError(f"front_end is {specification.front_end!r}, expected {' or '.join(TENSORS)}")
    about = _json(folder / f"{tensor}.json")
    # features.json need not repeat what frames.json says of the clips
    described = about if "classes" in about else _json(folder / "frames.json")
    classes = list(described["classes"])
    table = _csv(folder / "clips.csv", ("clip", "class", "frames", "status"))
    try:
        clips = np.load(folder / f"{tensor}.npy", mmap_mode="c")
    except (OSError, ValueError) as error:
        raise InputError(f"{folder / tensor}.npy: cannot be read: {error}") from None
    if len(clips) != len(table):
        raise InputError(f"{folder / tensor}.npy has {len(clips)} clips, clips.csv has {len(table)}")
    numbers = int(np.prod(clips.shape[2:]))
    if numbers != specification.recurrent["input_size"]:
        given = specification.recurrent["input_size"]
        raise InputError(f"recurrent.input_size is {given}, but {folder / tensor}.npy has {numbers} numbers a frame")

    rows, split_digest = _parts(folder / "splits.csv", table, specification)
    index = {name: number for number, name in enumerate(classes)}
    labels = np.full(len(table), -1, np.int64)
    for row in np.concatenate(list(rows.values())):
        labels[row] = index[table[row]["class"]]
    lengths = None
    if described.get("sampling") == "all":
        lengths = np.array([min(int(line["frames"]), clips.shape[1]) for line in table], np.int64)
    return Fold(clips, [line["clip"] for line in table], labels, lengths, rows, classes, about["digest"], split_digest)


def check(fold: Fold, specification: Specification) -> None:
    """RunFailure where a part is empty or a class has no clip to learn from."""
    where = f"protocol {specification.protocol}, fold {specification.fold} of {specification.dataset}"
    for part in PARTS:
        if len(fold.rows[part]) == 0:
            raise RunFailure(f"the {part} part of {where} has no clips")
    counts = np.bincount(fold.labels[fold.rows["train"]], minlength=len(fold.classes))
    if missing := [fold.classes[label] for label in np.flatnonzero(counts == 0)]:
        raise RunFailure(f"class {missing[0]!r} has no training clip in {where} ({len(missing)} such classes)")


def _parts(path: Path, table: list[dict], specification: Specification) -> tuple[dict[str, np.ndarray], str]:
    row_of = {line["clip"]: row for row, line in enumerate(table)}
    key = (specification.protocol, str(specification.fold))
    rows: dict[str, list[int]] = {part: [] for part in PARTS}
    seen = hashlib.sha256()
    found = False
    for line in _csv(path, ("protocol", "fold", "clip", "part")):
        if (line["protocol"], line["fold"]) != key:
            continue
        found = True
        seen.update(f"{line['clip']},{line['part']}\n".encode())
        if line["part"] not in rows:
            continue
        row = row_of.get(line["clip"])
        if row is None or table[row]["status"] != "ok":
            state = "is not in clips.csv" if row is None else f"has status {table[row]['status']!r} there"
            raise InputError(f"{path}: clip {line['clip']!r} {state}; run the step `splits` again")
        rows[line["part"]].append(row)
    if not found:
        raise InputError(f"{path}: no fold {key[1]} of protocol {key[0]!r}")
    return {part: np.array(sorted(rows[part]), np.int64) for part in PARTS}, seen.hexdigest()


def _json(path: Path) -> dict:
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: not valid JSON: {error}") from None


def _csv(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            lines = list(reader)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    for column in columns:
        if column not in (reader.fieldnames or []):
            raise InputError(f"{path}: column {column!r} is missing; expected {', '.join(columns)}")
    return lines
