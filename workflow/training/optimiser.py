"""Adam and AdamW with weight decay per parameter group, and the learning rate of each epoch."""

import math
from typing import Any

import torch
from torch.optim import Adam, AdamW, Optimizer

from workflow.experiments.training import Training
from workflow.training.model import Classifier

KINDS: dict[str, type[Adam]] = {"adam": Adam, "adamw": AdamW}
MOMENTS = ("step", "exp_avg", "exp_avg_sq")


def build(model: Classifier, settings: Training) -> Optimizer:
    """Return the optimiser: `weight_decay` applies to every parameter; `classifier_weight_decay` adds to it for
    the classifier's weight.

    adam: the decay is an L2 term of the gradient, as in the published code; adamw: it is decoupled. On a GPU the
    learning rate is a tensor, which a captured graph reads at every replay.
    """
    weight = model.classifier.weight
    others = [parameter for parameter in model.parameters() if parameter is not weight]
    decay = settings.weight_decay
    groups: list[dict[str, Any]] = [
        {"params": others, "weight_decay": decay},
        {"params": [weight], "weight_decay": decay + settings.classifier_weight_decay},
    ]
    on_gpu = weight.device.type == "cuda"
    rate = torch.tensor(settings.learning_rate, device=weight.device) if on_gpu else settings.learning_rate
    optimiser = KINDS[settings.optimizer](groups, lr=rate, fused=True, capturable=on_gpu)
    for parameter in model.parameters():  # as Adam does at its first step, but checkpoints and graphs need them before
        optimiser.state[parameter] = {
            "step": torch.zeros((), device=parameter.device),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }
    return optimiser


def parameters(optimiser: Optimizer) -> list[torch.nn.Parameter]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]


def moments(optimiser: Optimizer) -> dict[str, torch.Tensor]:
    """Return the optimiser's tensors by name; the tensors themselves, not copies."""
    return {
        f"{number}.{name}": optimiser.state[parameter][name]
        for number, parameter in enumerate(parameters(optimiser))
        for name in MOMENTS
    }


def set_rate(optimiser: Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def learning_rate(settings: Training, epoch: int) -> float:
    """Return the learning rate of `epoch` (from 1).

    It is constant, multiplied by `decay` after each milestone, or falls to 0 along half a cosine.
    """
    if settings.schedule == "step":
        return settings.learning_rate * settings.decay ** sum(epoch > at for at in settings.milestones)
    if settings.schedule == "cosine":
        return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * (epoch - 1) / settings.epochs))
    return settings.learning_rate
