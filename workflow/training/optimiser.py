"""Adam and AdamW with weight decay per parameter, and the learning rate of each epoch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.optim.adam import adam

if TYPE_CHECKING:
    from workflow.experiments.training import Training
    from workflow.training.model import Classifier


class Optimiser:
    """`weight_decay` applies to every parameter; `classifier_weight_decay` adds to it for the classifier's weight.

    adam: the decay is an L2 term of the gradient, as in the authors' code; adamw: it is decoupled. All tensors stay
    where they are, for CUDA graphs; so does the learning rate on a GPU, a tensor that a graph reads at every replay.
    torch's functional form, because a torch.optim.Optimizer imports torch._dynamo, which takes as long as torch itself.
    """

    def __init__(self, model: Classifier, settings: Training):
        weight, decay = model.classifier.weight, settings.weight_decay
        self.parameters = [*(parameter for parameter in model.parameters() if parameter is not weight), weight]
        self._decays = (slice(-1), decay), (slice(-1, None), decay + settings.classifier_weight_decay)
        self._averages, self._squares = ([torch.zeros_like(p) for p in self.parameters] for _ in range(2))
        self._steps = [torch.zeros((), device=weight.device) for _ in self.parameters]
        self._decoupled, self._on_gpu = settings.optimizer == "adamw", weight.device.type == "cuda"
        rate = settings.learning_rate
        self._rate = torch.tensor(rate, device=weight.device) if self._on_gpu else rate

    @property
    def moments(self) -> dict[str, Tensor]:
        """The state by name: the tensors themselves, not copies."""
        kinds = {"step": self._steps, "exp_avg": self._averages, "exp_avg_sq": self._squares}
        return {f"{number}.{kind}": tensor for kind, tensors in kinds.items() for number, tensor in enumerate(tensors)}

    def set_rate(self, rate: float) -> None:
        self._rate = self._rate.fill_(rate) if isinstance(self._rate, Tensor) else rate

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Update all parameters by their gradients."""
        gradients: list[Any] = [parameter.grad for parameter in self.parameters]
        for part, decay in self._decays:
            adam(
                self.parameters[part],
                gradients[part],
                self._averages[part],
                self._squares[part],
                [],
                self._steps[part],
                fused=True,
                capturable=self._on_gpu,
                decoupled_weight_decay=self._decoupled,
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=self._rate,
                weight_decay=decay,
                eps=1e-8,
                maximize=False,
            )


def learning_rate(settings: Training, epoch: int, steps: int = 0) -> float:
    """Return the learning rate in `epoch` (from 1), after this many steps of the run.

    It is constant, multiplied by `decay` after each milestone, falls to 0 along half a cosine, or with every step as
    1 / (1 + decay * steps).
    """
    factor = 1.0
    if settings.schedule == "step":
        factor = settings.decay ** sum(epoch > at for at in settings.milestones)
    elif settings.schedule == "cosine":
        factor = 0.5 * (1 + math.cos(math.pi * (epoch - 1) / settings.epochs))
    elif settings.schedule == "inverse":
        factor = 1 / (1 + settings.decay * steps)
    return settings.learning_rate * factor
