"""Write files atomically: if the process is killed at any moment, either the old or the new file is there."""

import csv
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from workflow.storage import lock
from workflow.storage.errors import InputError, naming


def write_bytes(path: Path, content: bytes) -> None:
    """Write a temporary file next to `path`, fsync it and rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # the step of a killed pipeline may write the temporary file, too
    with naming(path), lock.own(path.with_name(f".{path.name}.part")) as file:
        try:
            file.truncate(0)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except OSError:
            with suppress(OSError):
                Path(file.name).unlink(missing_ok=True)  # it would keep the space that the disk lacks
            raise


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode())


def write_json(path: Path, content: Any) -> None:
    """Write JSON. Raises ValueError for NaN and infinity, which JSON cannot represent."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_bytes(path, text.encode(errors="backslashreplace"))  # JSON's own escape, of a path that is not UTF-8


def is_lfs_pointer(path: Path) -> bool:
    """Return whether a file is the pointer that Git LFS leaves in place of a large file that was not fetched."""
    with path.open("rb") as file:
        return file.read(40).startswith(b"version https://git-lfs.github.com/")


def require_free_space(path: Path, size: int) -> None:
    """Raise InputError if the disk that will hold the file `path` has fewer than `size` bytes free."""
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise InputError(
            f"{path.parent}: disk full ({size / 1e6:,.1f} MB needed, {free / 1e6:,.1f} MB free); make room and rerun"
        )


def digest(content: Any) -> str:
    """Return the sha256 of plain data; the order of keys does not matter."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()  # JSON may hold half of a surrogate pair


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write the fields `columns` of `rows`, in that order, with line feeds on every platform."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def read_csv(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return all rows. Raises InputError if the file is missing or lacks one of `columns`."""
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    try:
        rows = list(reader)
    except csv.Error as error:
        raise InputError(f"{path}: not valid CSV: line {reader.line_num + 1}: {error}") from None
    for column in columns:
        if column not in (reader.fieldnames or []):
            raise InputError(f"{path}: column {column!r} is missing; expected {', '.join(columns)}")
    return rows


def from_json(text: str | bytes) -> Any:
    """Return the data in JSON. Raises ValueError if it is invalid or nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_json(path: Path) -> dict[str, Any]:
    """Return the mapping in a JSON file. Raises InputError if it is missing or holds something else."""
    text = read_text(path)
    try:
        content = from_json(text)
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON ({error})") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds a {type(content).__name__}; expected keys and values")
    return content


def known_json(path: Path) -> dict[str, Any]:
    """Return the mapping in a JSON file, {} if there is none that can be read."""
    try:
        content = from_json(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def read_text(path: Path) -> str:
    """Return UTF-8 text. Raises InputError if the file is missing or is something else."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; the step before this one writes it") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text ({error})") from None
