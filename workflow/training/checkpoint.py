"""Checkpoints: the newest two are kept, each named by its number and the checksum of its content.

A file is written under another name and renamed when it is whole; a reader compares content and name, so a
damaged one is noticed and the one before it serves. safetensors with JSON in its header: nothing is ever executed.
The weights of the best epoch lie in files of their own, written only when they changed.
"""

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

Tensors = dict[str, torch.Tensor]
KEEP = 2
SUFFIX = ".safetensors"


class Checkpoints:
    """The checkpoints of one run, in `folder`. `fingerprint`: what must agree for a run to be continued."""

    def __init__(self, folder: Path, fingerprint: dict[str, Any]):
        self.folder, self.fingerprint = folder, json.loads(json.dumps(fingerprint))
        self._number = 0
        self._best: tuple[int, str] | None = None  # epoch and file of the best weights written last

    def save(self, state: dict[str, Any], tensors: Tensors, best: tuple[int, Tensors] | None, flush: bool) -> None:
        """`state`: plain data; `best`: epoch and weights. `flush`: wait until the disk has them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if best is not None and (self._best is None or self._best[0] != best[0]):
            self._best = best[0], self._write(f"best-{best[0]}", best[1], {}, flush)
        content = {
            "state": state,
            "fingerprint": self.fingerprint,
            "best": None if best is None else list(self._best),
        }
        self._number += 1
        self._write(f"{self._number:08d}", tensors, content, flush)
        self._tidy()

    def load(self) -> tuple[dict[str, Any], Tensors, tuple[int, Tensors] | None] | None:
        """The newest checkpoint that is whole and belongs to this run, as `save` got it; None to start afresh."""
        for path in self._files():
            try:
                tensors, content = _read(path)
                best = None
                if content["best"] is not None:
                    epoch, name = content["best"]
                    best = epoch, _read(self.folder / name)[0]
            except _DamagedError as error:
                say(f"checkpoint {error}; falling back to the one before it")
                continue
            if other := difference(content["fingerprint"], self.fingerprint):
                say(f"checkpoint {path} belongs to another run ({other}); it is discarded, training starts afresh")
                self.remove()
                return None
            self._number = int(path.name.split(".")[0])
            self._best = None if best is None else (content["best"][0], content["best"][1])
            return content["state"], tensors, best
        self.remove()
        return None

    def remove(self) -> None:
        """All of them: the run is complete, or they are of no use."""
        shutil.rmtree(self.folder, ignore_errors=True)

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

    def _tidy(self) -> None:
        kept = self._files()[:KEEP]
        wanted = {path.name for path in kept}
        for path in kept:
            try:
                with safe_open(path, "pt") as file:
                    best = json.loads(file.metadata()["json"])["best"]
            except (SafetensorError, OSError, TypeError, KeyError, ValueError):
                continue
            wanted |= {best[1]} if best else set()
        for path in self.folder.iterdir():
            if path.name not in wanted:
                path.unlink(missing_ok=True)


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
    """The first thing in which two nested plain values differ, in words; empty where they are equal."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            if found := difference(old.get(key), new.get(key), f"{prefix}.{key}" if prefix else key):
                return found
        return ""
    return "" if old == new else f"{prefix} was {old!r} and is {new!r}"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
