"""File locks. The kernel frees a lock when its process ends, even if it is killed.

A killed pipeline leaves its running steps alive. The next pipeline starts the same steps again: they wait for the
old ones and then find their results.
"""

import fcntl
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


def attempt(path: Path) -> IO[str] | None:
    """Lock the file `path`, created if missing, without waiting. Return it open, or None if it is locked already.

    The lock lasts until the file is closed. Never delete it: otherwise two processes could each
    hold a lock on a file of that name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    except OSError as error:  # ENOLCK, ENOSYS, EOPNOTSUPP ...: some cluster file systems and shares
        print(
            f"{path}: this file system has no locks ({error.strerror}); never start the same work twice at once",
            file=sys.stderr,
        )
    return file


@contextmanager
def exclusive(place: Path) -> Iterator[None]:
    """Hold the lock PLACE.lock. If another process holds it, print which one and wait."""
    path = _lock(place)
    file = attempt(path)
    if file is None:
        holder = path.read_text().strip() or "another process"
        print(f"Waiting for {holder}, which is writing {place}.", file=sys.stderr, flush=True)
        file = path.open("a+")
        fcntl.flock(file, fcntl.LOCK_EX)
    with file:
        write(file, f"process {os.getpid()}{_here()}")
        yield


def own(path: Path) -> IO[bytes]:
    """Open the temporary file `path`, which its writer renames, as soon as no other process writes it."""
    while True:
        file = path.open("ab")
        with suppress(OSError):  # no locks here
            fcntl.flock(file, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samefile(path, file.fileno()):  # noqa: PTH121 -- else it has been renamed
                return file
        file.close()


def write(file: IO[str], text: str) -> None:
    """Replace the content of a locked file."""
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()


def abandoned(place: Path) -> bool:
    """Return whether the last process that held the lock of `place` ran on this machine and has ended."""
    try:
        with _lock(place).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # released when the file is closed
            return file.read().endswith(_here())
    except OSError:  # never locked, or locked now
        return False


def _lock(place: Path) -> Path:
    return place.with_name(f"{place.name}.lock")


def _here() -> str:
    return f" on {socket.gethostname()}"
