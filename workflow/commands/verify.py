"""Verify the checksum of every data file and record, including frames, features and weights.

Damaged files are named, with the remedy; the exit status is then 1. Every start also checks the small files of the
data, config.yaml of the results, and the small files of the records; damaged records are made again.
"""

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import typer

from workflow.datasets.front_ends import FRONT_ENDS
from workflow.experiments.configuration import Configuration
from workflow.experiments.configuration_file import intact, load_own
from workflow.experiments.experiment import NAME
from workflow.experiments.record import RECORD, WEIGHTS
from workflow.storage import seal
from workflow.storage.errors import InputError

TENSORS = tuple(f"{front_end.tensor}.json" for front_end in FRONT_ENDS.values())
SEALED = ("source.json", "inventory.json", *TENSORS, "splits.json", RECORD, NAME)
SOURCES = ("workflow", "baselines", "fdht", "paper", "config", "resources")  # inputs of the results
SLACK = 1.0  # seconds by which the clock of a file server may be ahead


def verify(folders: Iterable[Path], large: bool) -> tuple[int, list[str]]:
    """Return the number of sealed files below `folders`, and one sentence per defect."""
    found: list[str] = []
    number = 0
    for path in (Path(file) for file in _files(folders) if file.rpartition("/")[2] in SEALED):
        number += 1
        here = None if large else [file.name for file in path.parent.iterdir()]  # what is missing is made again
        found += seal.damages(path, () if path.with_name(WEIGHTS).is_file() else (WEIGHTS,), here)
        if large and path.name in TENSORS:
            from workflow.storage.arrays import load_array  # imports numpy, which a start does not need

            try:
                load_array(path)
            except InputError as error:
                found.append(str(error))
    return number, found


def _files(folders: Iterable[Path]) -> Iterator[str]:
    for place, inner, names in (entry for folder in folders for entry in os.walk(folder)):
        inner.sort()
        yield from (f"{place}/{name}" for name in sorted(names))


def from_the_future(folders: list[Path], now: float) -> str | None:
    """Return a sentence about files below `folders` dated after `now`; they make Snakemake rebuild all others."""
    ahead = []
    for path in _files(folders):
        with suppress(FileNotFoundError):  # it has just been deleted
            if (seconds := os.lstat(path).st_mtime - now) > SLACK:
                ahead.append((seconds, path))
    if not ahead:
        return None
    seconds, path = max(ahead)
    distance = f"{seconds / 3600:.1f} hours" if seconds > 3600 else f"{seconds:.0f} seconds"
    return (
        f"{len(ahead)} files are dated in the future, {path} by {distance}, so Snakemake cannot tell what is outdated; "
        f"set the clock, or give all of them one time: find . -newermt now -exec touch -d @{int(now)} {{}} +"
    )


def resolved(config: Configuration) -> list[str]:
    """Return a sentence if the config.yaml of the results, which tables are made from, is not as it was written."""
    path = config.results / "config.yaml"
    damaged = path.is_file() and not intact(path.read_bytes())
    return [f"{path} is corrupt or was edited; delete {path} and rerun; it will be rebuilt"] * damaged


def check(config: Configuration) -> None:
    """Check the small files of the data and the configuration. Raise InputError with a line per defect."""
    if future := from_the_future([*map(Path, SOURCES), config.prepared, config.results / "runs"], time.time()):
        raise InputError(future)
    _, found = verify([config.prepared], large=False)
    if found := [*resolved(config), *found]:
        raise InputError("\nreproduce: ".join(found))


def main(context: typer.Context) -> int:
    config = load_own(context.obj)
    number, found = verify([config.prepared, config.results / "runs"], large=True)
    found = [*resolved(config), *found]
    for sentence in found:
        print(f"reproduce: {sentence}", file=sys.stderr)
    if not found:
        print(f"Verified {number} files and everything that they describe: no changes.")
    return int(bool(found))
