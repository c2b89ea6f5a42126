"""Adam or AdamW with decay by group of parameters, and the learning rate of every epoch."""

import math

import torch

from workflow.training.model import Classifier
from workflow.training.settings import Settings


def build(model: Classifier, settings: Settings, device: torch.device) -> torch.optim.Optimizer:
    """`weight_decay` holds for every parameter, `classifier_weight_decay` is added for the classifier's weight.

    adam: L2 term in the gradient, as in the published code; adamw: decoupled. One fused kernel a step.
    """
    weight = model.classifier.weight
    others = [parameter for parameter in model.parameters() if parameter is not weight]
    decay = settings.weight_decay
    groups = [
        {"params": others, "weight_decay": decay},
        {"params": [weight], "weight_decay": decay + settings.classifier_weight_decay},
    ]
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings.optimizer]
    on_gpu = device.type == "cuda"
    # a captured graph reads the rate from the device at every replay
    rate = torch.tensor(settings.learning_rate, device=device) if on_gpu else settings.learning_rate
    return kind(groups, lr=rate, fused=True, **({"capturable": True} if on_gpu else {}))


def learning_rate(settings: Settings, epoch: int) -> float:
    """Rate of `epoch`, counted from 1: constant; times `decay` from each milestone on; or half a cosine to 0."""
    if settings.schedule == "step":
        return settings.learning_rate * settings.decay ** sum(epoch > at for at in settings.milestones)
    if settings.schedule == "cosine":
        return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * (epoch - 1) / settings.epochs))
    return settings.learning_rate


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Change the rate in place where it is a tensor, so that a captured graph sees it."""
    for group in optimiser.param_groups:
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def prepare(optimiser: torch.optim.Optimizer) -> None:
    """Make the moments of every parameter (zeros, step 0), which torch would make at the first step."""
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            optimiser.state[parameter] = {
                "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
