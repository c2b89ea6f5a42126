"""A large array, written row by row; writing can be killed and resumed any number of times.

`<name>.npy.part` is a .npy file of its final size. `<name>.npy.journal` lists the rows that are finished; its first
line describes the array; if the description has changed, writing starts over. A row is journalled only after its bytes
have reached the disk, and is recomputed otherwise, so the final bytes are always the same.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from workflow.storage.arrays import digest
from workflow.storage.errors import InputError
from workflow.storage.files import require_free_space, write_text

SECONDS = 2.0  # between two syncs; a kill loses at most this much work


class Store:
    """`rows`: the array. `done`: for each finished row, the note (any JSON) that this or an earlier run added."""

    def __init__(self, target: Path, shape: tuple[int, ...], dtype: str, key: dict[str, Any]) -> None:
        self._target = target
        self._part = target.with_name(f"{target.name}.part")
        self._journal = target.with_name(f"{target.name}.journal")
        self._waiting: list[tuple[int, Any]] = []
        self._synced = time.monotonic()
        head = json.dumps({**key, "shape": shape, "dtype": dtype}, sort_keys=True)
        resumable = self._part.is_file() and self._journal.is_file()
        lines = self._journal.read_text().split("\n")[:-1] if resumable else []  # a kill may have cut the last line
        if lines[:1] != [head]:
            lines = [head]
            self._journal.unlink(missing_ok=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            require_free_space(self._part, int(np.prod(shape)) * np.dtype(dtype).itemsize)
            # a sparse file: rows that are never written read as zeros
            self._map(mode="w+", dtype=dtype, shape=shape).flush()
        write_text(self._journal, "".join(f"{line}\n" for line in lines))
        self.done: dict[int, Any] = dict(map(json.loads, lines[1:]))
        self.rows = self._map(mode="r+")

    def _map(self, **settings: Any) -> np.memmap:
        try:
            return np.lib.format.open_memmap(self._part, **settings)
        except OSError as error:
            where = self._part.parent
            raise InputError(
                f"{where}: files cannot be memory-mapped for writing ({error.strerror}), as on some shares; "
                f"make {where} a link to a folder on a local disk and rerun"
            ) from None

    def add(self, row: int, note: Any = None) -> None:
        """Mark `row` as written. A resumed run finds `note` in `done`."""
        self._waiting.append((row, note))
        if time.monotonic() - self._synced > SECONDS:
            self.sync()

    def sync(self) -> None:
        """Flush the rows added so far to the disk, then journal them."""
        self.rows.flush()
        with self._journal.open("a") as file:
            file.writelines(json.dumps(entry) + "\n" for entry in self._waiting)
            file.flush()
            os.fsync(file.fileno())
        self.done |= dict(self._waiting)
        self._waiting.clear()
        self._synced = time.monotonic()

    def finish(self) -> str:
        """Give the array its final name once all rows are written; return the digest of its bytes."""
        self.sync()
        self._part.replace(self._target)
        self._journal.unlink()
        return digest(self.rows)
