"""A large array, written row by row in any order by several processes, that survives any number of kills.

`<name>.npy.part` is a .npy file of its final size. `<name>.npy.journal` lists the rows that are finished; its first
line describes the array, and another description starts again. A row is journalled after its bytes have reached the
disk and computed again otherwise, so the final bytes are always the same.
"""

import hashlib
import json
import os
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from workflow.datasets.transfer import need_space

SECONDS = 2.0  # between two syncs: the most work that a kill loses


@cache
def open_rows(array: str) -> np.memmap:
    """The array of a .npy file, writable in place; opened once per process."""
    return np.lib.format.open_memmap(array, mode="r+")


class Store:
    """`done`: for each finished row the note (any JSON) that this or an earlier run added it with."""

    def __init__(self, target: Path, shape: tuple[int, ...], dtype: str, key: dict[str, Any]) -> None:
        self.target = target
        self.array = target.with_name(target.name + ".part")
        self.journal = target.with_name(target.name + ".journal")
        self.done: dict[int, Any] = {}
        self._waiting: list[tuple[int, Any]] = []
        self._synced = time.monotonic()
        head = json.dumps({**key, "shape": shape, "dtype": dtype}, sort_keys=True)
        if not self._resume(head):
            self._create(head, shape, dtype)
        self._offset = open_rows(str(self.array)).offset

    def _resume(self, head: str) -> bool:
        if not (self.array.is_file() and self.journal.is_file()):
            return False
        lines = self.journal.read_text().split("\n")[:-1]  # a kill may have cut the last line
        if not lines or lines[0] != head:
            return False
        self.done = dict(map(json.loads, lines[1:]))
        with self.journal.open("r+") as file:
            file.truncate(sum(len(line.encode()) + 1 for line in lines))
        return True

    def _create(self, head: str, shape: tuple[int, ...], dtype: str) -> None:
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self.journal.unlink(missing_ok=True)
        need_space(self.array, int(np.prod(shape)) * np.dtype(dtype).itemsize)
        open_rows.cache_clear()
        # a sparse file: rows that are never written read as zeros
        np.lib.format.open_memmap(self.array, mode="w+", dtype=dtype, shape=shape).flush()
        self.journal.write_text(head + "\n")

    def add(self, row: int, note: Any) -> None:
        """Record that `row` is written. A later run finds `note` in `done`."""
        self._waiting.append((row, note))
        if time.monotonic() - self._synced > SECONDS:
            self.sync()

    def sync(self) -> None:
        """Flush the rows added so far to the disk, then journal them."""
        with self.array.open("rb") as file:
            os.fsync(file.fileno())
        with self.journal.open("a") as file:
            file.writelines(json.dumps(entry) + "\n" for entry in self._waiting)
            file.flush()
            os.fsync(file.fileno())
        self.done.update(self._waiting)
        self._waiting.clear()
        self._synced = time.monotonic()

    def digest(self) -> str:
        """sha256 of the array's bytes, without the header of the .npy file."""
        with self.array.open("rb") as file:
            file.seek(self._offset)
            return hashlib.file_digest(file, "sha256").hexdigest()

    def finish(self) -> None:
        """All rows are written: give the array its final name."""
        self.array.replace(self.target)
        self.journal.unlink()
        open_rows.cache_clear()
