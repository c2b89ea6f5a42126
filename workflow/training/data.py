"""The clips of a data set and its folds: labels, and row indices by part into an array that stays on disk."""

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workflow.datasets.front_ends import FRONT_ENDS
from workflow.experiments.run import Run
from workflow.storage import files, seal
from workflow.storage.arrays import load_array
from workflow.storage.errors import InputError
from workflow.training.errors import RunFailure

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Fold:
    """`clips`: array or tensor (N, T, ...) of all clips. `rows`: for each part, row indices into `clips`.

    `labels` (N,): index in `classes`, -1 for a clip that this fold does not use. `siblings` (N,): clips of each clip's
    class and source in train. `lengths` (N,): frames of each clip, or None if every clip fills all T.
    """

    clips: Any
    names: list[str]
    labels: np.ndarray
    siblings: np.ndarray
    lengths: np.ndarray | None
    rows: dict[str, np.ndarray]
    classes: list[str]
    data_digest: str
    split_digest: str


@dataclass(frozen=True)
class Data:
    """A data set as a front end sees it, which all folds share. `clips`, `lengths`: as in `Fold`.

    `table`: the lines of clips.csv. `splits`: (clip, part) pairs by protocol and fold, `split_digests` by
    protocol/fold.
    """

    folder: Path
    clips: np.ndarray
    lengths: np.ndarray | None
    table: list[dict[str, str]]
    classes: list[str]
    digest: str
    splits: dict[tuple[str, str], list[tuple[str, str]]]
    split_digests: dict[str, str]

    def fold(self, run: Run) -> Fold:
        """Return the run's fold. Raise InputError if it does not fit the run or differs from its digest."""
        numbers, given = int(np.prod(self.clips.shape[2:])), run.recurrent["input_size"]
        if numbers != given:
            tensor = self.folder / FRONT_ENDS[run.front_end].tensor
            raise InputError(f"recurrent.input_size is {given}, but {tensor}.npy has {numbers} numbers per frame")
        rows, split_digest = _parts(self, run)
        labels = np.full(len(self.table), -1, np.int64)
        for row in np.concatenate(list(rows.values())):
            clip, name = self.table[row]["clip"], self.table[row]["class"]
            if name not in self.classes:
                raise InputError(f"{self.folder}/clips.csv: class {name!r} of {clip!r} is not in frames.json")
            labels[row] = self.classes.index(name)
        names = [line["clip"] for line in self.table]
        sources = [(line["class"], line["source"]) for line in self.table]
        trained = Counter(sources[row] for row in rows["train"])
        siblings = np.array([trained[source] for source in sources], np.int64)
        return Fold(self.clips, names, labels, siblings, self.lengths, rows, self.classes, self.digest, split_digest)


def load(folder: Path, front_end: str) -> Data:
    """Load the files of the data steps. Raise InputError if one is missing, damaged or inconsistent with the others."""
    if front_end not in FRONT_ENDS:
        raise InputError(f"front_end is {front_end!r}, expected {' or '.join(FRONT_ENDS)}")
    tensor = FRONT_ENDS[front_end].tensor
    for name in (f"{tensor}.json", "frames.json", "splits.json"):
        seal.require(folder / name, ("clips.csv", "splits.csv"))
    about = _json(folder / f"{tensor}.json", "digest")
    described = _json(folder / "frames.json", "classes")
    if about.get("frames_digest", described.get("digest")) != described.get("digest"):
        raise InputError(f"{folder / tensor}.json: made from other frames than frames.json; rerun its step")
    clips = load_array(folder / f"{tensor}.json")
    table = files.read_csv(folder / "clips.csv", ("clip", "class", "source", "frames", "status"))
    if len(clips) != len(table):
        raise InputError(f"{folder / tensor}.npy has {len(clips)} clips, clips.csv has {len(table)}")
    lengths = None
    if described.get("sampling") == "all":
        lengths = np.array([min(int(line["frames"]), clips.shape[1]) for line in table], np.int64)
    splits: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for line in files.read_csv(folder / "splits.csv", ("protocol", "fold", "clip", "part")):
        splits[line["protocol"], line["fold"]].append((line["clip"], line["part"]))
    digests = _json(folder / "splits.json", "digests")["digests"]
    return Data(folder, clips, lengths, table, list(described["classes"]), about["digest"], dict(splits), digests)


def check(fold: Fold, run: Run) -> None:
    """Raise RunFailure if there are no training or test clips, or a class has no training clip."""
    where = f"protocol {run.protocol}, fold {run.fold} of {run.dataset}"
    for part in ("train", "test"):
        if len(fold.rows[part]) == 0:
            raise RunFailure(f"the {part} part of {where} has no clips")
    counts = np.bincount(fold.labels[fold.rows["train"]], minlength=len(fold.classes))
    if missing := [fold.classes[label] for label in np.flatnonzero(counts == 0)]:
        raise RunFailure(f"class {missing[0]!r} has no training clip in {where} ({len(missing)} such classes)")


def _parts(data: Data, run: Run) -> tuple[dict[str, np.ndarray], str]:
    """Return the row indices of each part, and the digest of the fold's assignment of clips to parts."""
    path, fold = data.folder / "splits.csv", (run.protocol, str(run.fold))
    pairs = data.splits.get(fold)
    if pairs is None:
        raise InputError(f"{path}: no fold {run.fold} of protocol {run.protocol!r}")
    digest = hashlib.sha256("".join(sorted(f"{clip}\t{part}\n" for clip, part in pairs)).encode()).hexdigest()
    if digest != data.split_digests.get("/".join(fold)):
        which = f"fold {run.fold} of {run.protocol!r}"
        raise InputError(f"{path}: {which} differs from the digest in splits.json; rerun its step")
    row_of = {line["clip"]: row for row, line in enumerate(data.table) if line["status"] == "ok"}
    used = [(clip, part) for clip, part in pairs if part != "unused"]
    for clip, part in used:
        if part not in PARTS or clip not in row_of:
            raise InputError(
                f"{path}: {clip!r} in part {part!r}: expected a clip of clips.csv with status ok, and a part of "
                f"{', '.join(PARTS)}, unused; rerun its step"
            )
    rows = {part: np.array(sorted(row_of[clip] for clip, its in used if its == part), np.int64) for part in PARTS}
    return rows, digest


def _json(path: Path, key: str) -> dict[str, Any]:
    """Return the mapping in `path`; raise InputError if it lacks `key`."""
    content = files.read_json(path)
    if key not in content:
        raise InputError(f"{path}: key {key!r} is missing; rerun the step that writes it")
    return content
