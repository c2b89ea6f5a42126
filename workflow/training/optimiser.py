"""Adam and AdamW with weight decay per parameter group, and the learning rate of each epoch."""

import math

import torch
from torch import Tensor
from torch.optim import Adam, AdamW, Optimizer

from workflow.experiments.training import Training
from workflow.training.model import Classifier

KINDS: dict[str, type[Adam]] = {"adam": Adam, "adamw": AdamW}


def build(model: Classifier, settings: Training) -> Optimizer:
    """Return the optimiser: `weight_decay` applies to every parameter; `classifier_weight_decay` adds to it for
    the classifier's weight.

    adam: the decay is an L2 term of the gradient, as in the published code; adamw: it is decoupled. On a GPU the
    learning rate is a tensor, which a captured graph reads at every replay.
    """
    weight, decay = model.classifier.weight, settings.weight_decay
    groups = [
        {"params": [parameter for parameter in model.parameters() if parameter is not weight], "weight_decay": decay},
        {"params": [weight], "weight_decay": decay + settings.classifier_weight_decay},
    ]
    on_gpu = weight.device.type == "cuda"
    rate = torch.tensor(settings.learning_rate, device=weight.device) if on_gpu else settings.learning_rate
    optimiser = KINDS[settings.optimizer](groups, lr=rate, fused=True, capturable=on_gpu)
    for parameter in model.parameters():  # as Adam does at its first step, but checkpoints and graphs need them before
        moments = {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")}
        optimiser.state[parameter] = {"step": torch.zeros((), device=parameter.device), **moments}
    return optimiser


def parameters(optimiser: Optimizer) -> list[torch.nn.Parameter]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]


def moments(optimiser: Optimizer) -> dict[str, Tensor]:
    """Return the optimiser's tensors by name; the tensors themselves, not copies."""
    states = enumerate(optimiser.state[parameter] for parameter in parameters(optimiser))
    return {f"{number}.{name}": tensor for number, state in states for name, tensor in state.items()}


def set_rate(optimiser: Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = group["lr"].fill_(rate) if isinstance(group["lr"], Tensor) else rate


def learning_rate(settings: Training, epoch: int, steps: int = 0) -> float:
    """Return the learning rate in `epoch` (from 1), after so many steps of the run.

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
