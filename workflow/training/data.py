"""The clips of one fold: labels and rows by part, over an array that stays on the disk until it is used."""

import csv
import hashlib
import io
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from baselines import FORMATS
from workflow.datasets.front_ends import FRONT_ENDS
from workflow.experiments.run import Run
from workflow.experiments.training import PIXELS
from workflow.storage import seal
from workflow.training.errors import InputError, RunFailure

PARTS = ("train", "validation", "test")


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


def load(folder: Path, run: Run) -> Fold:
    """The fold of `run` from the files of the data steps; InputError for files that do not fit."""
    if run.front_end not in FRONT_ENDS:
        raise InputError(f"front_end is {run.front_end!r}, expected {' or '.join(FRONT_ENDS)}")
    tensor = FRONT_ENDS[run.front_end].tensor
    for name in (f"{tensor}.json", "frames.json", "splits.json"):
        seal.require(folder / name, ("clips.csv", "splits.csv"))
    about = _json(folder / f"{tensor}.json", "digest")
    described = _json(folder / "frames.json", "classes")
    if about.get("frames_digest", described.get("digest")) != described.get("digest"):
        raise InputError(f"{folder / tensor}.json: made from other frames than frames.json's; run its step again")
    classes = list(described["classes"])
    table = _csv(folder / "clips.csv", ("clip", "class", "frames", "status"))
    try:
        clips = np.load(folder / f"{tensor}.npy", mmap_mode="c")
    except (OSError, ValueError, SyntaxError) as error:  # the header of the file is a Python literal
        raise InputError(f"{folder / tensor}.npy: cannot be read: {error}; {_cure(folder, tensor)}") from None
    if len(clips) != len(table):
        raise InputError(f"{folder / tensor}.npy has {len(clips)} clips, clips.csv has {len(table)}")
    # a second a gigabyte; a flipped bit would otherwise become a result
    if (found := hashlib.sha256(clips.data.cast("B")).hexdigest()) != about["digest"]:
        raise InputError(
            f"{folder / tensor}.npy is damaged: its digest is {found[:12]}..., {tensor}.json says "
            f"{about['digest'][:12]}...; {_cure(folder, tensor)}"
        )
    numbers = int(np.prod(clips.shape[2:]))
    if numbers != run.recurrent["input_size"]:
        given = run.recurrent["input_size"]
        raise InputError(f"recurrent.input_size is {given}, but {folder / tensor}.npy has {numbers} numbers a frame")

    rows, split_digest = _parts(folder / "splits.csv", table, run)
    index = {name: number for number, name in enumerate(classes)}
    labels = np.full(len(table), -1, np.int64)
    for row in np.concatenate(list(rows.values())):
        name = table[row]["class"]
        if name not in index:
            raise InputError(f"{folder}/clips.csv: class {name!r} of {table[row]['clip']!r} is not in frames.json")
        labels[row] = index[name]
    lengths = None
    if described.get("sampling") == "all":
        lengths = np.array([min(int(line["frames"]), clips.shape[1]) for line in table], np.int64)
    return Fold(clips, [line["clip"] for line in table], labels, lengths, rows, classes, about["digest"], split_digest)


def _cure(folder: Path, tensor: str) -> str:
    return f"remove {folder / tensor}.json and start again, and both are made anew"


def prepared(fold: Fold, format_: str, normalisation: str) -> Fold:
    """The fold with what a model of the format sees in place of its clips."""
    prepare = FORMATS[format_].prepare
    return fold if prepare is None else replace(fold, clips=prepare(fold.clips, *PIXELS[normalisation]))


def check(fold: Fold, run: Run) -> None:
    """RunFailure where a part is empty or a class has no clip to learn from."""
    where = f"protocol {run.protocol}, fold {run.fold} of {run.dataset}"
    for part in PARTS:
        if len(fold.rows[part]) == 0:
            raise RunFailure(f"the {part} part of {where} has no clips")
    counts = np.bincount(fold.labels[fold.rows["train"]], minlength=len(fold.classes))
    if missing := [fold.classes[label] for label in np.flatnonzero(counts == 0)]:
        raise RunFailure(f"class {missing[0]!r} has no training clip in {where} ({len(missing)} such classes)")


def _parts(path: Path, table: list[dict], run: Run) -> tuple[dict[str, np.ndarray], str]:
    row_of = {line["clip"]: row for row, line in enumerate(table)}
    protocol, fold = run.protocol, str(run.fold)
    rows: dict[str, list[int]] = {part: [] for part in PARTS}
    seen = []
    for line in _csv(path, ("protocol", "fold", "clip", "part")):
        if (line["protocol"], line["fold"]) != (protocol, fold):
            continue
        clip, part = line["clip"], line["part"]
        seen.append(f"{clip}\t{part}\n")
        if part == "unused":
            continue
        row = row_of.get(clip)
        if part not in rows or row is None or table[row]["status"] != "ok":
            raise InputError(
                f"{path}: {clip!r} in part {part!r}: expected a clip of clips.csv whose status is ok, and a part of "
                f"{', '.join(PARTS)}, unused; run the step `splits` again"
            )
        rows[part].append(row)
    if not seen:
        raise InputError(f"{path}: no fold {fold} of protocol {protocol!r}")
    digest = hashlib.sha256("".join(sorted(seen)).encode()).hexdigest()
    written = _json(path.with_name("splits.json"), "digests")["digests"].get(f"{protocol}/{fold}")
    if digest != written:
        raise InputError(f"{path}: fold {fold} of {protocol!r} is not the one that splits.json tells; it is damaged")
    return {part: np.array(sorted(rows[part]), np.int64) for part in PARTS}, digest


def _json(path: Path, key: str) -> dict:
    """The content of a file that must have `key`."""
    try:
        content = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(content, dict) or key not in content:
        raise InputError(f"{path}: key {key!r} is missing; run the step that writes it again")
    return content


def _csv(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(_text(path), newline=""))
    lines = list(reader)
    for column in columns:
        if column not in (reader.fieldnames or []):
            raise InputError(f"{path}: column {column!r} is missing; expected {', '.join(columns)}")
    return lines


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text; run the step that writes it again") from None
