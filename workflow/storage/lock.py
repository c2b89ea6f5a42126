"""One process at a time on a folder or file. The kernel holds the lock and frees it however a process ends.

When a pipeline is killed, the steps that it started live on and finish; the next pipeline starts the same steps
again. Both would write the same files: the second waits here, and then finds what the first has done.
"""

import errno
import fcntl
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def exclusive(place: Path) -> Iterator[None]:
    """Hold the lock of `place`, a file PLACE.lock beside it; wait for it, and say for whom, where it is taken.

    The lock file stays: were it removed, two processes could hold locks on two files of its name.
    """
    path = _lock(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            print(f"{place}: {holder} is at work on it; waiting until it has ended", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:  # some cluster file systems are mounted without locks
            if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
                raise
            print(f"{place}: this file system has no locks ({error.strerror}); going on without", file=sys.stderr)
        file.truncate(0)
        file.write(f"process {os.getpid()}{_here()}")
        file.flush()
        yield


def attempt(path: Path) -> IO | None:
    """Lock the file `path` until the file that is returned is closed; None if another process holds the lock."""
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def at_work(place: Path) -> bool | None:
    """Whether a process of this machine holds the lock of `place`. None where this machine cannot tell: nobody ever
    held it, or the last to do so was on another."""
    try:
        with _lock(place).open() as file:
            if not file.read().endswith(_here()):
                return None
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # let go at once, when the file is closed
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False


def _lock(place: Path) -> Path:
    return place.with_name(f"{place.name}.lock")


def _here() -> str:
    return f" on {socket.gethostname()}"
