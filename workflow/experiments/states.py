"""The state of every run of a configuration, from its files: the one vocabulary of `list`, `status` and the tables.

done         its record is complete and belongs to the present configuration and data
failed       the same, but the experiment failed
running      its stream of metrics was written a short while ago, and its process is not known to have ended
stalled      its stream is old, and its process is not known to have ended
interrupted  its process has ended before its record was written; a checkpoint is there to resume from
outdated     its record belongs to another specification or other data: one of them has changed since
damaged      its record cannot be read or does not match its checksum
missing      there is nothing to build on
"""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

import yaml

from workflow.datasets.front_ends import FRONT_ENDS
from workflow.experiments import curves
from workflow.experiments.configuration import Configuration, Frames
from workflow.experiments.record import Record
from workflow.experiments.run import Run
from workflow.storage import files, seal, yaml_file
from workflow.storage.lock import abandoned

DONE, FAILED, RUNNING, STALLED = "done", "failed", "running", "stalled"
INTERRUPTED, OUTDATED, DAMAGED, MISSING = "interrupted", "outdated", "damaged", "missing"
STATES = (DONE, RUNNING, STALLED, INTERRUPTED, FAILED, OUTDATED, DAMAGED, MISSING)
SETTINGS, DATA, UNASKED = "its settings have changed", "its data have changed", "not in the configuration"  # reasons
Changed = Callable[[Any], bool]  # of a record, or of its row in a table
QUIET = 300.0  # seconds without a new epoch after which a run counts as stalled, unless its epochs take longer
PATIENCE = 10  # a run may be silent for this many times its time per epoch


@dataclass(frozen=True)
class Stream:
    """The progress of a run that has begun but has no record yet. epochs: those of all candidates of a search so far.
    silent: seconds since the last one."""

    epochs: int
    seconds_per_epoch: float | None  # None before the first epoch has ended
    silent: float


@dataclass(frozen=True)
class State:
    """name: one of STATES. reason: one sentence about a record that is failed, outdated or damaged."""

    name: str
    reason: str = ""
    record: Record | None = None
    stream: Stream | None = None


def states(config: Configuration, runs: Iterable[Run], now: float | None = None) -> dict[Run, State]:
    """Return the state of each run of a configuration."""
    root, now, changed = config.results, now or time.time(), other_data(config.prepared, config.frames)
    places = {run: (root / "runs" / run.folder, root / "checkpoints" / run.folder) for run in runs}
    return {run: state(*folders, run.plain, now, changed) for run, folders in places.items()}


def state(folder: Path, checkpoints: Path, wanted: dict[str, Any], now: float, changed: Changed | None = None) -> State:
    """Return the state of the run in `folder` with specification `wanted`; its lock is next to `checkpoints`.

    changed: see `other_data`; without it, data are not compared.
    """
    found = recorded(folder)
    if found.name == MISSING:
        return _unfinished(folder, checkpoints, now)
    if found.record and (reason := outdated(found.record, folder, wanted, changed)):
        return State(OUTDATED, reason, found.record)
    return found


def recorded(folder: Path) -> State:
    """Return done, failed, damaged or missing: the state of the record in `folder`, whatever its specification."""
    try:
        content = files.from_json((folder / "result.json").read_bytes())
        record = Record.parse(content)
    except FileNotFoundError:
        return State(MISSING)
    except ValueError as error:  # neither JSON, nor a record
        return State(DAMAGED, f"not a record: {error}")
    if seal.broken(content):
        return State(DAMAGED, "checksum mismatch")
    return State(DONE, "", record) if record.status == "ok" else State(FAILED, record.failure, record)


def outdated(record: Any, folder: Path, wanted: dict[str, Any], changed: Changed | None = None) -> str:
    """Return why a record, or its row in a table, is outdated, "" if it is not; see `state`."""
    return SETTINGS if respecified(folder, wanted) else DATA if changed and changed(record) else ""


def other_data(prepared: Path, frames: Frames) -> Changed:
    """Return a function of a record: whether it was made from other data than those in the folder `prepared`.

    frames: the configuration's section. Digests that are missing, as where records were copied without their data, are
    not compared. Each file is read once.
    """
    read = cache(lambda dataset, name: files.known_json(prepared / dataset / f"{name}.json"))

    def changed(record: Any) -> bool:
        names = FRONT_ENDS[record.front_end].tensor, "splits", "frames"
        tensor, splits, sampled = (read(record.dataset, name) for name in names)
        split = splits.get("digests", {}).get(f"{record.protocol}/{record.fold}")
        pairs = [(tensor.get("digest"), record.data_digest), (split, record.split_digest)]
        pairs += [(sampled.get(name), getattr(frames, name)) for name in ("count", "sampling")]  # before a new decoding
        return any(now not in (None, made) for now, made in pairs)

    return changed


def respecified(folder: Path, wanted: dict[str, Any]) -> bool:
    """Return whether the record in `folder` has a specification other than `wanted`; False if it has none."""
    wanted = json.loads(json.dumps(wanted))  # convert as for the run's command line
    try:
        written = (folder / "specification.yaml").read_bytes().decode()
        # reading YAML takes ten times longer than writing it, and there are thousands of runs, which share most items
        same = written == "".join(_yaml(json.dumps({name: value})) for name, value in wanted.items())
        # a key that is newer than the record has its default
        return not same and json.loads(json.dumps(Run.parse(yaml_file.parse(written)).plain)) != wanted
    except FileNotFoundError:
        return False
    except (ValueError, yaml.YAMLError):
        return True


@cache
def _yaml(item: str) -> str:
    return yaml.safe_dump(json.loads(item), sort_keys=False, allow_unicode=True)


def _unfinished(folder: Path, checkpoints: Path, now: float) -> State:
    streams = list(folder.glob("*.jsonl"))  # of the candidates of a search, too
    try:
        silent = now - max(path.stat().st_mtime for path in streams)
    except (FileNotFoundError, ValueError):  # renamed at this moment; none, until a resumed run has begun
        return State(INTERRUPTED if checkpoints.is_dir() and abandoned(checkpoints) else MISSING)
    epochs = [epoch for path in streams for epoch in curves.read(path)]
    times = [entry["seconds"] for entry in epochs if "seconds" in entry]
    stream = Stream(len(epochs), mean(times) if times else None, silent)
    if abandoned(checkpoints):  # a stream without a checkpoint belongs to an earlier record
        return State(INTERRUPTED, stream=stream) if checkpoints.is_dir() else State(MISSING)
    stalled = silent > max(QUIET, PATIENCE * (stream.seconds_per_epoch or 0.0))
    return State(STALLED if stalled else RUNNING, stream=stream)
