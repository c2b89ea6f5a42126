"""A user's own copy of a data set, as the pipeline sees it: one value that changes when the copy does."""

import hashlib
import os
from pathlib import Path

from workflow.datasets.errors import DataError


def fingerprint(path: str | Path, key: str) -> str:
    """Digest of the names, sizes and times of change of a file, or of all files below a folder.

    Reads no content, so it takes less than a second. `key` is the key of the configuration that gave `path`, for the
    DataError if it does not exist.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; it was given as `{key}`")
    digest = hashlib.sha256()
    for name, size, changed in sorted(_entries(path)):
        digest.update(f"{size} {changed} ".encode() + os.fsencode(name) + b"\0")
    return digest.hexdigest()


def _entries(path: Path) -> list[tuple[str, int, int]]:
    if not path.is_dir():
        stat = path.stat()
        return [(path.name, stat.st_size, stat.st_mtime_ns)]
    found = []
    waiting = [str(path)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    waiting.append(entry.path)
                else:
                    # a link that leads nowhere counts by its name: whether it matters is for the reader to say
                    stat = entry.stat() if Path(entry).exists() else entry.stat(follow_symlinks=False)
                    found.append((os.path.relpath(entry.path, path), stat.st_size, stat.st_mtime_ns))
    return found
