"""Files written whole or not at all, so that a kill at any moment leaves the old one or the new one."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any


def write_bytes(path: Path, content: bytes, flush: bool = True) -> None:
    """Write beside `path`, then rename over it. `flush`: wait until the disk has it."""
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
    """JSON without NaN or infinity, which are not JSON."""
    write_text(path, json_text(content))


def json_text(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def digest(content: Any) -> str:
    """sha256 of plain data, independent of the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
