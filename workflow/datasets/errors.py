"""What stops a data step."""

import shutil
from pathlib import Path

from workflow.storage.errors import InputError


class DataError(InputError):
    """Data that cannot be used: one sentence that names the value, the expectation and the file or key."""


def need_space(path: Path, size: int) -> None:
    """Raise DataError if fewer than `size` bytes are free on the disk of `path`."""
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise DataError(f"{path.parent}: {size / 1e9:.2f} GB are needed and {free / 1e9:.2f} GB are free")
