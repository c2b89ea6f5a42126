"""Checkpoints: the newest two are kept, each named by its number and the checksum of its content.

A file is written under a temporary name and renamed when complete; the reader compares its content with its name and
falls back to the previous one if it is damaged. The format is safetensors with JSON in its header, so loading never
executes code. The weights of the best epoch are files of their own, written only when they change.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from workflow.training.progress import log
from workflow.training.state import Tensors

KEEP = 2
SUFFIX = ".safetensors"


class Best(NamedTuple):
    """The weights of the epoch chosen on validation."""

    epoch: int
    tensors: Tensors


class Checkpoints:
    """The checkpoints of one run in `folder`. `fingerprint`: what must be unchanged for a run to resume."""

    def __init__(self, folder: Path, fingerprint: dict[str, Any]):
        self.folder, self.fingerprint = folder, fingerprint
        self._number = 0
        self._best: tuple[int, str] | None = None  # epoch and file of the best weights written last
        self._uses: dict[str, str] = {}  # checkpoint -> file of its best weights

    def save(self, state: dict[str, Any], tensors: Tensors, best: Best | None, flush: bool) -> None:
        """`state`: plain data. `flush`: wait until the disk has it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if best is not None and (self._best is None or self._best[0] != best.epoch):
            self._best = best.epoch, self._write(f"best-{best.epoch}", best.tensors, {}, flush)
        content = {"state": state, "fingerprint": self.fingerprint, "best": best and self._best}
        self._number += 1
        self._remember(self._write(f"{self._number:08d}", tensors, content, flush))
        kept = {path.name for path in self._files()[:KEEP]}
        wanted = kept | {self._uses.get(name) for name in kept}
        for path in self.folder.iterdir():
            if path.name not in wanted:
                path.unlink(missing_ok=True)

    def load(self) -> tuple[dict[str, Any], Tensors, Best | None] | None:
        """Return what `save` got, from the newest intact checkpoint of this run; None if there is none."""
        for path in self._files():
            try:
                tensors, content = _read(path)
                best = None
                if content["best"] is not None:
                    epoch, name = content["best"]
                    best = Best(epoch, _read(self.folder / name)[0])
                    self._best = epoch, name
            except _DamagedError as error:
                log(f"checkpoint {error}; falling back to the previous one")
                continue
            if other := difference(content["fingerprint"], self.fingerprint):
                log(f"checkpoint {path} belongs to another run ({other}); discarding it and starting afresh")
                break
            self._number = int(path.name.split(".")[0])
            self._remember(path.name)
            return content["state"], tensors, best
        self._best = None
        self.remove()
        return None

    def remove(self) -> None:
        """Remove all of them, which are of no use to this run."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _remember(self, checkpoint: str) -> None:
        if self._best is not None:
            self._uses[checkpoint] = self._best[1]

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(f"[0-9]*{SUFFIX}"), reverse=True)

    def _write(self, stem: str, tensors: Tensors, content: dict[str, Any], flush: bool) -> str:
        part = self.folder / f".{stem}.part"
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, part, {"json": json.dumps(content)})
        with part.open("rb") as file:
            checksum = hashlib.file_digest(file, "sha256").hexdigest()
            if flush:
                os.fsync(file.fileno())
        name = f"{stem}.{checksum}{SUFFIX}"
        part.replace(self.folder / name)
        return name


class _DamagedError(Exception):
    pass


def _read(path: Path) -> tuple[Tensors, dict[str, Any]]:
    try:
        with path.open("rb") as file:
            checksum = hashlib.file_digest(file, "sha256").hexdigest()
        if checksum != path.name.split(".")[1]:
            raise _DamagedError(f"{path} is damaged (its checksum is {checksum[:12]}...)")
        with safe_open(path, "pt") as file:
            content = json.loads(file.metadata()["json"])
            return {name: file.get_tensor(name) for name in file.keys()}, content  # noqa: SIM118 (no mapping)
    except (OSError, SafetensorError) as error:
        raise _DamagedError(f"{path} cannot be read ({error})") from None


def difference(old: Any, new: Any, prefix: str = "") -> str:
    """Describe the first difference between two nested plain values; empty if they are equal."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            if found := difference(old.get(key), new.get(key), f"{prefix}.{key}" if prefix else key):
                return found
        return ""
    return "" if old == new else f"{prefix} was {old!r} and is {new!r}"
