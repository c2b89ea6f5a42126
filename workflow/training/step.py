"""One training step: forward, backward, clip, update; sums stay on the device, nothing waits for them.

A batch that does not fit in memory is cut in halves whose gradients add up to the same gradient.
"""

import contextlib
import sys

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from workflow.training.errors import RunFailure
from workflow.training.feed import Batch
from workflow.training.optimiser import Adam

EXPLODED = 1e8  # norm of a gradient before it is limited, or loss summed over an epoch: no training recovers
LOSS, CORRECT, STEPS, FIRST_BAD = range(4)  # places of Step.totals


class Step:
    """Call it with a batch. `totals` (4,): sums of loss and hits, steps done, first step that went wrong."""

    def __init__(self, model: nn.Module, optimiser: Adam, gradient_norm: float | None, precision: str):
        self.model, self.optimiser, self.gradient_norm = model, optimiser, gradient_norm
        self.parameters = optimiser.parameters
        device = self.parameters[0].device
        self.autocast = autocast(device, precision)
        self.totals = torch.zeros(4, dtype=torch.float64, device=device)
        self.micro: int | None = None  # clips at a time; None: the whole batch
        self.begin_epoch()

    def begin_epoch(self) -> None:
        self.totals.zero_()
        self.totals[FIRST_BAD] = torch.inf

    def __call__(self, batch: Batch) -> None:
        while True:
            before = self.totals.clone()
            try:
                self.forward_backward(batch, min(self.micro or len(batch.x), len(batch.x)))
                break
            except (torch.OutOfMemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
            self.totals.copy_(before)
            self._halve(len(batch.x))
        self.update()

    def forward_backward(self, batch: Batch, size: int) -> None:
        """Gradients of the batch's mean loss, from pieces of `size` clips."""
        self.optimiser.zero_grad()
        count = len(batch.x)
        for start in range(0, count, size):
            part = [None if whole is None else whole[start : start + size] for whole in batch]
            x, labels, lengths = part
            with self.autocast:
                logits = self.model(x, lengths)
            loss = cross_entropy(logits.float(), labels, reduction="sum")
            (loss / count).backward()
            with torch.no_grad():
                self.totals[LOSS] += loss
                self.totals[CORRECT] += (logits.argmax(1) == labels).sum()

    def update(self) -> None:
        """Clip and apply the gradients; remember the first step at which they or the loss exploded."""
        norm = nn.utils.get_total_norm([p.grad for p in self.parameters if p.grad is not None])
        if self.gradient_norm is not None:
            nn.utils.clip_grads_with_norm_(self.parameters, self.gradient_norm, norm)
        self.optimiser.step()
        with torch.no_grad():
            fine = (norm <= EXPLODED) & (self.totals[LOSS] <= EXPLODED)  # a NaN is not <= anything
            bad = torch.where(fine, torch.inf, self.totals[STEPS])
            self.totals[FIRST_BAD] = torch.minimum(self.totals[FIRST_BAD], bad)
            self.totals[STEPS] += 1

    def _halve(self, count: int) -> None:
        size = min(self.micro or count, count)
        self.optimiser.zero_grad()
        if size == 1:
            raise RunFailure("out of memory with a single clip a batch; use fewer or smaller frames")
        self.micro = (size + 1) // 2
        if self.totals.is_cuda:
            torch.cuda.empty_cache()
        print(f"out of memory: from here on {self.micro} clips at a time, gradients added up", file=sys.stderr)


def out_of_memory(error: BaseException) -> bool:
    """Whether torch ran out of memory, on a GPU or (a plain RuntimeError there) on the host."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager:
    """bfloat16: matrix products in it, weights and sums in float32."""
    if precision == "bfloat16":
        return torch.autocast(device.type, torch.bfloat16, cache_enabled=False)
    return contextlib.nullcontext()
