"""Whole files or none: a reader, or Snakemake, never meets a half-written table."""

import os
from pathlib import Path


class ReportingError(ValueError):
    """Something in the records, the layout or the published numbers that stops a step; one clear sentence."""


def write_text(path: str | Path, text: str) -> Path:
    """Write `text` (UTF-8) to `path`, making its folder; the file appears complete or not at all."""
    return write_bytes(path, text.encode())


def write_bytes(path: str | Path, content: bytes) -> Path:
    """Write `content` to `path`, making its folder; the file appears complete or not at all.

    ReportingError where it cannot be written: the path is a folder, its folder a file, the disk full or read-only.
    """
    path = Path(path)
    try:
        return _write_bytes(path, content)
    except OSError as error:
        raise ReportingError(f"cannot write {path}: {error.filename2 or error.filename}: {error.strerror}") from None


def _write_bytes(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")  # of a step that outlived its pipeline, too
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
