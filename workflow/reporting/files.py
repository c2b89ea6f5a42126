"""Whole files or none: a reader, or Snakemake, never meets a half-written table."""

import os
from pathlib import Path


class ReportingError(ValueError):
    """Something in the records, the layout or the published numbers that stops a step; one clear sentence."""


def write_text(path: str | Path, text: str) -> Path:
    """Write `text` (UTF-8) to `path`, making its folder; the file appears complete or not at all."""
    return write_bytes(path, text.encode())


def write_bytes(path: str | Path, content: bytes) -> Path:
    """Write `content` to `path`, making its folder; the file appears complete or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")  # of a step that outlived its pipeline, too
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
