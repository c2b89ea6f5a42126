"""Files whose time of change lies in the future, as after a clock was set back, get the present one.

Snakemake compares times: it would take whatever is made now for older than what it was made of, and stop.
"""

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

SLACK = 1.0  # seconds by which a file server may be ahead


def settle(folders: Iterable[Path], now: float | None = None) -> int:
    """Give every file below `folders` that is of the future the time `now`; how many there were, which is also said."""
    now = time.time() if now is None else now
    found, furthest = 0, 0.0
    for entry in _files(folders):
        with suppress(OSError):  # gone meanwhile, or not ours to change: then Snakemake says what hinders it
            ahead = entry.stat(follow_symlinks=False).st_mtime - now
            if ahead > SLACK:
                os.utime(entry.path, (now, now), follow_symlinks=False)
                found, furthest = found + 1, max(furthest, ahead)
    if found:
        hours = f"{furthest / 3600:.1f} hours" if furthest > 3600 else f"{furthest:.0f} seconds"
        print(f"{found} files were up to {hours} ahead of the clock; they have the present time now", file=sys.stderr)
    return found


def _files(folders: Iterable[Path]) -> Iterator[os.DirEntry]:
    for folder in folders:
        if not folder.is_dir():
            continue
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _files([Path(entry.path)])
                else:
                    yield entry
