"""Adam and AdamW by torch's fused kernels, decay by group of parameters, the learning rate of every epoch.

torch.optim would bring in its compiler, which takes longer to import than a small run to train; the kernels are
the same, and the tests compare the two bit for bit.
"""

import math
from dataclasses import dataclass, field

import torch

from workflow.experiments.training import Training
from workflow.training.model import Classifier

BETAS = (0.9, 0.999)
EPSILON = 1e-8


@dataclass
class Group:
    """Parameters with the same decay, and their moments."""

    parameters: list[torch.Tensor]
    weight_decay: float
    moments: dict[str, list[torch.Tensor]] = field(init=False)

    def __post_init__(self) -> None:
        self.moments = {
            "step": [torch.zeros((), device=parameter.device) for parameter in self.parameters],
            "exp_avg": [torch.zeros_like(parameter) for parameter in self.parameters],
            "exp_avg_sq": [torch.zeros_like(parameter) for parameter in self.parameters],
        }


class Adam:
    """torch.optim.Adam(fused=True), or AdamW where `decoupled`. Every parameter must have a gradient at a step.

    The rate lies on a GPU as a tensor, so that a captured graph reads the current one at every replay.
    """

    def __init__(self, groups: list[Group], rate: float, decoupled: bool):
        self.groups, self._decoupled = groups, decoupled
        device = groups[0].parameters[0].device
        self._rate: float | torch.Tensor = torch.tensor(rate, device=device) if device.type == "cuda" else rate

    @property
    def parameters(self) -> list[torch.Tensor]:
        return [parameter for group in self.groups for parameter in group.parameters]

    def set_rate(self, rate: float) -> None:
        if isinstance(self._rate, torch.Tensor):
            self._rate.fill_(rate)
        else:
            self._rate = rate

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        kernel = torch._fused_adamw_ if self._decoupled else torch._fused_adam_
        for group in self.groups:
            steps, averages, squares = group.moments.values()
            torch._foreach_add_(steps, 1)
            kernel(
                group.parameters,
                [parameter.grad for parameter in group.parameters],
                averages,
                squares,
                [],
                steps,
                lr=self._rate,
                beta1=BETAS[0],
                beta2=BETAS[1],
                weight_decay=group.weight_decay,
                eps=EPSILON,
                amsgrad=False,
                maximize=False,
            )

    def state(self) -> dict[str, torch.Tensor]:
        """The moments by name; the tensors themselves, not copies."""
        return {
            f"{number}.{name}.{place}": tensor
            for number, group in enumerate(self.groups)
            for name, tensors in group.moments.items()
            for place, tensor in enumerate(tensors)
        }


def build(model: Classifier, settings: Training) -> Adam:
    """`weight_decay` holds for every parameter, `classifier_weight_decay` is added for the classifier's weight.

    adam: the decay is an L2 term of the gradient, as in the published code; adamw: it is decoupled.
    """
    weight = model.classifier.weight
    others = [parameter for parameter in model.parameters() if parameter is not weight]
    decay = settings.weight_decay
    groups = [Group(others, decay), Group([weight], decay + settings.classifier_weight_decay)]
    return Adam(groups, settings.learning_rate, settings.optimizer == "adamw")


def learning_rate(settings: Training, epoch: int) -> float:
    """Rate of `epoch`, counted from 1: constant; times `decay` from each milestone on; or half a cosine to 0."""
    if settings.schedule == "step":
        return settings.learning_rate * settings.decay ** sum(epoch > at for at in settings.milestones)
    if settings.schedule == "cosine":
        return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * (epoch - 1) / settings.epochs))
    return settings.learning_rate
