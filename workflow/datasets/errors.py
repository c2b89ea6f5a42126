"""The exception of the data steps, and how their command lines end when it is raised."""

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from workflow.storage.errors import InputError


class DataError(InputError):
    """Data that cannot be used: one sentence that names the value, the expectation and the file or key."""


def need_space(path: Path, size: int) -> None:
    """Raise DataError if fewer than `size` bytes are free on the disk of `path`."""
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise DataError(f"{path.parent}: {size / 1e9:.2f} GB are needed and {free / 1e9:.2f} GB are free")


def command_line(step: Callable[[Sequence[str] | None], None]) -> None:
    """Run a step's main function. For bad data and file system errors, print one line and exit with status 1."""
    try:
        step(None)
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("interrupted; the next run resumes from what is finished", file=sys.stderr)
        raise SystemExit(130) from None
