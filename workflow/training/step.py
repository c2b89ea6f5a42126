"""One training step: forward, backward, clip, update. What is to be known of it stays on the device until the epoch
ends: nothing waits, and hardly anything is computed beside the model.

A batch that does not fit in memory is cut in halves whose gradients add up to the same gradient.
"""

import contextlib
import sys
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from workflow.training.errors import RunFailure, out_of_memory
from workflow.training.feed import Batch
from workflow.training.optimiser import Adam

EXPLODED = 1e8  # norm of a gradient before it is limited, or loss of a batch: no training recovers from it


class Totals(NamedTuple):
    """Of the steps of an epoch so far: sums over its clips, and the first step (from 1) that exploded, if any."""

    loss: float
    hits: float
    exploded: int | None


class Step:
    """Call it with a batch. `log`: for each step since `begin_epoch` a tensor (loss, hits, norm of the gradient)."""

    def __init__(self, model: nn.Module, optimiser: Adam, gradient_norm: float | None, precision: str):
        self.model, self.optimiser, self.gradient_norm = model, optimiser, gradient_norm
        self.parameters = optimiser.parameters
        self.device = self.parameters[0].device
        self.autocast = autocast(self.device, precision)
        self.micro: int | None = None  # clips at a time; None: the whole batch
        self.log: list[torch.Tensor] = []

    def begin_epoch(self) -> None:
        self.log = []

    def totals(self) -> Totals:
        """Waits for the device."""
        log = torch.stack(self.log).double().cpu()
        loss, hits, _ = log.sum(0).tolist()
        # a NaN is not <= anything
        bad = (~(log[:, [0, 2]] <= EXPLODED)).any(1).nonzero()
        return Totals(loss, hits, int(bad[0]) + 1 if len(bad) else None)

    def __call__(self, batch: Batch) -> None:
        while True:
            try:
                sums = self.forward_backward(batch, min(self.micro or len(batch.x), len(batch.x)))
                break
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
            self._halve(len(batch.x))
        self.log.append(self.update(*sums))

    def forward_backward(self, batch: Batch, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Gradients of the batch's mean loss, from pieces of `size` clips; returns summed loss and hits."""
        self.optimiser.zero_grad()
        count = len(batch.x)
        losses, hits = [], []
        for start in range(0, count, size):
            x, labels, lengths = (None if whole is None else whole[start : start + size] for whole in batch)
            with self.autocast:
                logits = self.model(x, lengths)
            loss = cross_entropy(logits.float(), labels, reduction="sum")
            (loss / count).backward()
            losses.append(loss.detach())
            hits.append((logits.argmax(1) == labels).sum(dtype=torch.float32))
        return sum(losses[1:], losses[0]), sum(hits[1:], hits[0])

    def update(self, loss: torch.Tensor, hits: torch.Tensor) -> torch.Tensor:
        """Limit the gradients and apply them; returns the entry of `log`."""
        norm = nn.utils.get_total_norm([p.grad for p in self.parameters])
        if self.gradient_norm is not None:
            nn.utils.clip_grads_with_norm_(self.parameters, self.gradient_norm, norm)
        self.optimiser.step()
        return torch.stack([loss, hits, norm])

    def _halve(self, count: int) -> None:
        size = min(self.micro or count, count)
        self.optimiser.zero_grad()
        if size == 1:
            raise RunFailure("out of memory with a single clip a batch; use fewer or smaller frames")
        self.micro = (size + 1) // 2
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        print(f"out of memory: from here on {self.micro} clips at a time, gradients added up", file=sys.stderr)


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager:
    """bfloat16: matrix products in it, weights and sums in float32."""
    if precision == "bfloat16":
        return torch.autocast(device.type, torch.bfloat16, cache_enabled=False)
    return contextlib.nullcontext()
