"""Checkpoints. The newest two are kept; each file name holds a running number and the file's checksum.

Files are written under a temporary name and renamed when complete. `load` verifies the checksum and, if a file is
corrupt, tries the one before. The format is safetensors with JSON in its header, so loading never executes code.
"""

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from workflow.storage import seal
from workflow.training import optimiser
from workflow.training.errors import log
from workflow.training.step import Step

KEEP = 2
SUFFIX = ".safetensors"
Tensors = dict[str, Tensor]


@dataclass
class State:
    """Training state between two steps, apart from the tensors held by `Step`.

    history: metrics.jsonl entries of the finished epochs. position: batches done in the current epoch. best: weights
    of the best epoch so far.
    """

    evaluation_size: int  # clips scored at a time
    history: list[dict[str, Any]] = field(default_factory=list)
    position: int = 0
    seconds: float = 0.0  # training time of the current epoch before the last interruption
    interruptions: int = 0
    micro: int | None = None  # clips per forward pass if a full batch does not fit in memory
    step_ms: float | None = None
    threads: int = 0
    best: Tensors = field(default_factory=dict)

    @property
    def epoch(self) -> int:
        """Return the number of finished epochs."""
        return len(self.history)


def save(folder: Path, fingerprint: dict[str, Any], state: State, step: Step, flush: bool) -> None:
    """Write a checkpoint to `folder`. fingerprint: see `load`. flush: fsync before renaming."""
    folder.mkdir(parents=True, exist_ok=True)
    number = max((int(path.name.split(".")[0]) for path in _files(folder)), default=0) + 1
    part = folder / f".{number:08d}.part"
    plain = {name: value for name, value in vars(state).items() if name != "best"}
    content = json.dumps({"state": plain, "fingerprint": fingerprint})
    save_file({name: tensor.contiguous() for name, tensor in _pack(state, step).items()}, part, {"json": content})
    if flush:
        with part.open("rb") as file:
            os.fsync(file.fileno())
    part.replace(folder / f"{number:08d}.{seal.digest(part)}{SUFFIX}")
    kept = _files(folder)[:KEEP]
    for path in folder.iterdir():
        if path not in kept:
            path.unlink(missing_ok=True)


def load(folder: Path, fingerprint: dict[str, Any], step: Step) -> State | None:
    """Return the newest intact checkpoint's state and copy its tensors to `step`; None if there is none.

    fingerprint: what must be unchanged for a run to resume. If no checkpoint can be used, because each one is corrupt,
    unreadable or of another run, `folder` is deleted.
    """
    for path in _files(folder):
        try:
            if seal.digest(path) != path.name.split(".")[1]:
                log(f"checkpoint {path} is corrupt (checksum mismatch); trying the previous one, if any")
                continue
            with safe_open(path, "pt") as file:
                content = json.loads(file.metadata()["json"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        except OSError as error:
            log(f"checkpoint {path} cannot be read ({error}); trying the previous one, if any")
            continue
        if other := difference(content["fingerprint"], fingerprint):
            log(f"checkpoint {path} belongs to another run ({other}); discarding it and starting afresh")
            break
        return State(**content["state"], best=_unpack(tensors, step))
    shutil.rmtree(folder, ignore_errors=True)
    return None


def _files(folder: Path) -> list[Path]:
    """Return the checkpoints, newest first."""
    return sorted(folder.glob(f"[0-9]*{SUFFIX}"), reverse=True)


def _pack(state: State, step: Step) -> Tensors:
    """Return all tensors to save: weights, optimiser moments, epoch log, best weights and RNG states."""
    tensors = {f"model.{name}": value for name, value in step.model.state_dict().items()}
    tensors |= {f"optimiser.{name}": value for name, value in optimiser.moments(step.optimiser).items()}
    tensors |= {f"best.{name}": value for name, value in state.best.items()}
    tensors["log"] = torch.stack(step.log) if step.log else torch.zeros(0, 3)
    tensors["random.cpu"] = torch.get_rng_state()
    if step.device.type == "cuda":
        tensors["random.cuda"] = torch.cuda.get_rng_state(step.device)
    return tensors


def _unpack(tensors: Tensors, step: Step) -> Tensors:
    """Restore `step` in place (CUDA graphs hold its addresses) and return the best weights."""

    def section(prefix: str) -> Tensors:
        return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

    step.model.load_state_dict(section("model."))
    for name, value in optimiser.moments(step.optimiser).items():
        value.copy_(tensors[f"optimiser.{name}"])
    step.log = list(tensors["log"].to(step.device).unbind(0))
    torch.set_rng_state(tensors["random.cpu"])
    if step.device.type == "cuda":
        torch.cuda.set_rng_state(tensors["random.cuda"], step.device)
    return {name: value.to(step.device) for name, value in section("best.").items()}


def difference(old: Any, new: Any, prefix: str = "") -> str:
    """Return a phrase about the first difference of two nested values, "" if they are equal."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            if found := difference(old.get(key), new.get(key), f"{prefix}.{key}" if prefix else key):
                return found
        return ""
    return "" if old == new else f"{prefix} was {old!r}, now {new!r}"
