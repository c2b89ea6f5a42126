"""The state of training between two steps, and its conversion to a checkpoint and back."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from workflow.training import optimiser
from workflow.training.step import Step

Tensors = dict[str, Tensor]


@dataclass
class State:
    """history: lines of metrics.jsonl of the finished epochs. position: batches done of the epoch after them."""

    evaluation_size: int  # clips scored at a time
    history: list[dict[str, Any]] = field(default_factory=list)
    position: int = 0
    seconds: float = 0.0  # of the running epoch, before an interruption
    interruptions: int = 0
    micro: int | None = None  # clips at a time if a batch does not fit
    step_ms: float | None = None
    threads: int = 0

    @property
    def epoch(self) -> int:
        """Number of finished epochs."""
        return len(self.history)


def pack(step: Step, best: Tensors) -> Tensors:
    """Weights, moments, the log of the running epoch, the states of the random generators, and `best`."""
    tensors = {f"model.{name}": value for name, value in step.model.state_dict().items()}
    tensors |= {f"optimiser.{name}": value for name, value in optimiser.moments(step.optimiser).items()}
    tensors |= {f"best.{name}": value for name, value in best.items()}
    tensors["log"] = torch.stack(step.log) if step.log else torch.zeros(0, 3)
    tensors["random.cpu"] = torch.get_rng_state()
    if step.device.type == "cuda":
        tensors["random.cuda"] = torch.cuda.get_rng_state(step.device)
    return tensors


def unpack(tensors: Tensors, step: Step) -> Tensors:
    """Return `best` and copy the others in place, so that what a captured graph refers to stays where it is."""
    step.model.load_state_dict(_section(tensors, "model."))
    for name, value in optimiser.moments(step.optimiser).items():
        value.copy_(tensors[f"optimiser.{name}"])
    step.log = list(tensors["log"].to(step.device).unbind(0))
    torch.set_rng_state(tensors["random.cpu"])
    if step.device.type == "cuda":
        torch.cuda.set_rng_state(tensors["random.cuda"], step.device)
    return {name: value.to(step.device) for name, value in _section(tensors, "best.").items()}


def _section(tensors: Tensors, prefix: str) -> Tensors:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
