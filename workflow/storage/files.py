"""Files written whole or not at all: a kill at any moment leaves the old file or the new one."""

import csv
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from workflow.storage.errors import InputError


def write_bytes(path: Path, content: bytes, flush: bool = True) -> None:
    """Write a temporary file next to `path` and rename it. `flush`: wait until it is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(content)
        if flush:
            file.flush()
            os.fsync(file.fileno())
    part.replace(path)


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode())


def write_json(path: Path, content: Any) -> None:
    """Write JSON. Raise ValueError for NaN and infinity, which JSON does not have."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def need_space(path: Path, size: int) -> None:
    """Raise InputError if fewer than `size` bytes are free on the disk of `path`."""
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise InputError(f"{path.parent}: {size / 1e9:.2f} GB are needed and {free / 1e9:.2f} GB are free")


def digest(content: Any) -> str:
    """sha256 of plain data, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows with the keys `columns`, in that order and with line feeds on every platform."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def read_csv(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return all rows. Raise InputError if the file is missing or lacks one of `columns`."""
    reader = csv.DictReader(io.StringIO(_text(path), newline=""))
    rows = list(reader)
    for column in columns:
        if column not in (reader.fieldnames or []):
            raise InputError(f"{path}: column {column!r} is missing; expected {', '.join(columns)}")
    return rows


def read_json(path: Path) -> Any:
    try:
        return json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: not valid JSON ({error})") from None


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; the step before this one writes it") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text ({error})") from None
