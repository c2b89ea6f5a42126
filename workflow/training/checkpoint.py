"""Checkpoints: the newest two are kept, each a file that is named by its number and the checksum of its content.

A file is written under a temporary name and renamed when complete; the reader compares its content with its name and
falls back to the previous one if it is damaged. The format is safetensors with JSON in its header, so loading never
executes code.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file

from workflow.storage import seal
from workflow.training.log import log
from workflow.training.state import Tensors

KEEP = 2
SUFFIX = ".safetensors"


def save(folder: Path, fingerprint: dict[str, Any], state: dict[str, Any], tensors: Tensors, flush: bool) -> None:
    """Write a checkpoint to `folder`, plain data and tensors. `flush`: wait until the disk has it."""
    folder.mkdir(parents=True, exist_ok=True)
    number = max((int(path.name.split(".")[0]) for path in _files(folder)), default=0) + 1
    part = folder / f".{number:08d}.part"
    content = json.dumps({"state": state, "fingerprint": fingerprint})
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, part, {"json": content})
    if flush:
        with part.open("rb") as file:
            os.fsync(file.fileno())
    part.replace(folder / f"{number:08d}.{seal.digest(part)}{SUFFIX}")
    kept = _files(folder)[:KEEP]
    for path in folder.iterdir():
        if path not in kept:
            path.unlink(missing_ok=True)


def load(folder: Path, fingerprint: dict[str, Any]) -> tuple[dict[str, Any], Tensors] | None:
    """Return the state and tensors of the newest intact checkpoint; None if there is none.

    fingerprint: what must be unchanged for a run to resume. Checkpoints of another run are removed.
    """
    for path in _files(folder):
        try:
            if seal.digest(path) != path.name.split(".")[1]:
                log(f"checkpoint {path} is damaged; falling back to the previous one")
                continue
            with safe_open(path, "pt") as file:
                content = json.loads(file.metadata()["json"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        except OSError as error:
            log(f"checkpoint {path} cannot be read ({error}); falling back to the previous one")
            continue
        if other := difference(content["fingerprint"], fingerprint):
            log(f"checkpoint {path} belongs to another run ({other}); discarding it and starting afresh")
            break
        return content["state"], tensors
    shutil.rmtree(folder, ignore_errors=True)
    return None


def _files(folder: Path) -> list[Path]:
    """The checkpoints, newest first."""
    return sorted(folder.glob(f"[0-9]*{SUFFIX}"), reverse=True)


def difference(old: Any, new: Any, prefix: str = "") -> str:
    """Describe the first difference between two nested plain values; empty if they are equal."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            if found := difference(old.get(key), new.get(key), f"{prefix}.{key}" if prefix else key):
                return found
        return ""
    return "" if old == new else f"{prefix} was {old!r} and is {new!r}"
