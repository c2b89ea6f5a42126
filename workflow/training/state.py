"""What a run knows between two steps: plain data and tensors, to a checkpoint and back."""

from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from workflow.training.step import Step

Tensors = dict[str, torch.Tensor]


@dataclass
class State:
    """`epoch`: epochs finished; `position`: batches done of the epoch after it; `history`: its metrics lines."""

    evaluation_size: int  # clips that are scored at a time
    epoch: int = 0
    position: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int | None = None  # chosen on validation
    best_score: tuple[float, float] = (-1.0, 0.0)  # validation accuracy, minus validation loss
    improved: int = 0  # last epoch with a better validation accuracy
    seconds: float = 0.0  # of the running epoch, before an interruption
    interruptions: int = 0
    micro: int | None = None  # clips at a time, where a batch does not fit
    step_ms: float | None = None
    threads: int | None = None

    @property
    def train_seconds(self) -> float:
        return self.seconds + sum(entry["seconds"] for entry in self.history)

    def choose(self, entry: dict[str, Any]) -> bool:
        """Whether the epoch of `entry` is the best so far: by validation accuracy, among equals by its loss."""
        score = (entry["validation_accuracy"], -entry["validation_loss"])
        if score[0] > self.best_score[0]:
            self.improved = entry["epoch"]
        if score <= self.best_score and self.best_epoch is not None:
            return False
        self.best_epoch, self.best_score = entry["epoch"], score
        return True


def pack(step: Step) -> Tensors:
    """Weights, moments, the log of the running epoch and the states of the random generators."""
    tensors = {f"model.{name}": value for name, value in step.model.state_dict().items()}
    tensors |= {f"optimiser.{name}": value for name, value in step.optimiser.state().items()}
    tensors["log"] = torch.stack(step.log) if step.log else torch.zeros(0, 3)
    tensors["random.cpu"] = torch.get_rng_state()
    if step.device.type == "cuda":
        tensors["random.cuda"] = torch.cuda.get_rng_state(step.device)
    return tensors


def unpack(tensors: Tensors, step: Step) -> None:
    """In place, so that what a captured graph refers to stays where it is."""
    weights = {name.removeprefix("model."): value for name, value in tensors.items() if name.startswith("model.")}
    step.model.load_state_dict(weights)
    for name, value in step.optimiser.state().items():
        value.copy_(tensors[f"optimiser.{name}"])
    step.log = list(tensors["log"].to(step.device).unbind(0))
    torch.set_rng_state(tensors["random.cpu"])
    if step.device.type == "cuda":
        torch.cuda.set_rng_state(tensors["random.cuda"], step.device)


def plain(state: State) -> dict[str, Any]:
    return asdict(state)


def from_plain(values: dict[str, Any]) -> State:
    return State(**{**values, "best_score": tuple(values["best_score"])})
