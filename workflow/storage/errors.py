"""The base class of errors that a user can repair."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL = 10_000_000  # bytes free on a disk below which it counts as full


class InputError(ValueError):
    """One sentence: the value, what was expected, and the file or key. Commands print it and exit with status 1."""


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Add `path` to an OSError that names no file, as those of reading and writing do not."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def is_full(folder: str | Path) -> bool:
    """Return whether the disk of `folder` has next to no space left."""
    return shutil.disk_usage(folder).free < FULL


def sentence(error: Exception) -> str:
    """Return the text to print for an error; for an OSError the file and the reason, without errno."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    target = None if error.errno == errno.ENOENT else error.filename2  # of a copy; what is missing is the first
    place, full = str(target or error.filename or ""), error.errno == errno.ENOSPC
    temporary = os.environ.get("TMPDIR", "")
    if not os.path.isdir(temporary):  # noqa: PTH112 -- an empty name is none
        temporary = tempfile.gettempdir()
    if full and not place and is_full(temporary):  # some libraries name no file
        place = temporary
    remedy = "; make room, or set TMPDIR to a folder on another disk" * (full and place.startswith(temporary))
    return f"{place}: {error.strerror}{remedy}" if place else error.strerror
