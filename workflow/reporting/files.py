"""Output files: complete or absent, so that neither a reader nor Snakemake meets a half-written table."""

from pathlib import Path

from workflow.storage import files
from workflow.storage.errors import InputError


class ReportingError(InputError):
    """Something in the records, the layout or the reported numbers that stops a step. The message is one sentence."""


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8, as `write_bytes`."""
    write_bytes(path, text.encode())


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file and create its folder. Raise ReportingError if it cannot be written."""
    try:
        files.write_bytes(Path(path), content, flush=False)
    except OSError as error:
        raise ReportingError(f"cannot write {path}: {error.filename2 or error.filename}: {error.strerror}") from None
