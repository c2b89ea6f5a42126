"""Checkpoints. The newest two are kept; each file name holds a running number and the file's checksum.

`load` verifies the checksum and, if a file is corrupt, tries the one before. The format is safetensors, and JSON in
one of the tensors, so loading never executes code.
"""

import json
import os
import shutil
from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as deserialise
from safetensors.torch import save_file
from torch import Tensor

from workflow.storage import seal
from workflow.training.errors import log
from workflow.training.step import Step

KEEP = 2
SUFFIX = ".safetensors"
JSON = "json"  # name of the tensor that holds all that is no tensor
Tensors = dict[str, Tensor]


@dataclass
class State:
    """Training state between two steps, apart from what `Step` and torch hold.

    history: metrics.jsonl entries of the finished epochs. position: batches done in the current epoch. seconds: their
    training time. interruptions: times that the run resumed. best: weights of the best epoch so far.
    """

    history: list[dict[str, Any]] = field(default_factory=list)
    position: int = 0
    seconds: float = 0.0
    interruptions: int = 0
    best: Tensors = field(default_factory=dict)

    @property
    def epoch(self) -> int:
        """Return the number of finished epochs."""
        return len(self.history)


def save(folder: Path, fingerprint: dict[str, Any], state: State, step: Step, flush: bool) -> None:
    """Write a checkpoint to `folder`. fingerprint: see `load`. flush: fsync before renaming.

    Raise OSError or SafetensorError if that is not possible.
    """
    plain = {name: value for name, value in vars(state).items() if name != "best"}
    known = {"state": plain, "clips": step.clips, "threads": torch.get_num_threads(), "fingerprint": fingerprint}
    number = max((int(path.name.split(".")[0]) for path in _files(folder)), default=0) + 1
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / ".part"
    part.touch()
    mode = part.stat().st_mode  # safetensors gives no right to others, whatever the umask
    try:  # as bytes, all tensors would be in memory two more times
        save_file({name: tensor.contiguous() for name, tensor in _pack(state, step, known).items()}, part)
        part.chmod(mode)
        if flush:
            with part.open("rb") as file:
                os.fsync(file.fileno())
        part.replace(folder / f"{number:08d}.{seal.digest(part)}{SUFFIX}")
    finally:
        part.unlink(missing_ok=True)
    kept = _files(folder)[:KEEP]
    for path in folder.iterdir():
        if path not in kept:
            path.unlink(missing_ok=True)


def load(folder: Path, fingerprint: dict[str, Any], step: Step) -> State | None:
    """Return the newest intact checkpoint's state and copy its tensors to `step`; None if there is none.

    fingerprint: what must be unchanged for a run to resume. If every checkpoint is corrupt or of another run, `folder`
    is deleted. Raise OSError, and delete nothing, if one cannot be read and no other can be used.
    """
    unreadable = None
    for path in _files(folder):
        try:
            content = path.read_bytes()
        except OSError as error:
            log(f"checkpoint {path} cannot be read ({error.strerror}); trying the previous one, if any")
            unreadable = unreadable or error
            continue
        if sha256(content).hexdigest() != path.name.split(".")[1]:
            log(f"checkpoint {path} is corrupt (checksum mismatch); trying the previous one, if any")
            continue
        tensors = deserialise(content)
        known = json.loads(bytes(tensors.pop(JSON).tolist()))
        if changed := [name for name, value in fingerprint.items() if known["fingerprint"].get(name) != value]:
            log(f"checkpoint {path} belongs to another run ({', '.join(changed)} changed); starting afresh")
            break
        if known["threads"] != torch.get_num_threads():  # sums would round differently
            log(f"resuming with {known['threads']} threads, as at the start of the run")
            torch.set_num_threads(known["threads"])
        step.clips = known["clips"]
        return State(**known["state"], best=_unpack(tensors, step))
    if unreadable:
        raise unreadable
    shutil.rmtree(folder, ignore_errors=True)
    return None


def _files(folder: Path) -> list[Path]:
    """Return the checkpoints, newest first."""
    return sorted(folder.glob(f"{8 * '[0-9]'}.*{SUFFIX}"), reverse=True)


def _pack(state: State, step: Step, known: dict[str, Any]) -> Tensors:
    """Return all tensors to save: `known`, weights, optimiser moments, epoch log, best weights and RNG states."""
    tensors = {f"model.{name}": value for name, value in step.model.state_dict().items()}
    tensors |= {f"optimiser.{name}": value for name, value in step.optimiser.moments.items()}
    tensors |= {f"best.{name}": value for name, value in state.best.items()}
    tensors["log"] = torch.stack(step.log) if step.log else torch.zeros(0, 3)
    tensors["random.cpu"] = torch.get_rng_state()
    if step.device.type == "cuda":
        tensors["random.cuda"] = torch.cuda.get_rng_state(step.device)
    return tensors | {JSON: torch.tensor(list(json.dumps(known).encode()), dtype=torch.uint8)}


def _unpack(tensors: Tensors, step: Step) -> Tensors:
    """Restore `step` in place (CUDA graphs hold its addresses) and return the best weights."""
    sections: dict[str, Tensors] = defaultdict(dict)
    for name, value in tensors.items():
        section, _, key = name.partition(".")
        sections[section][key] = value
    step.model.load_state_dict(sections["model"])
    for name, value in step.optimiser.moments.items():
        value.copy_(sections["optimiser"][name])
    step.log = list(tensors["log"].to(step.device).unbind(0))
    torch.set_rng_state(tensors["random.cpu"])
    if step.device.type == "cuda":
        torch.cuda.set_rng_state(tensors["random.cuda"], step.device)
    return {name: value.to(step.device) for name, value in sections["best"].items()}
