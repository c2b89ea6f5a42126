"""One training step: forward, backward, clip, update. Its loss stays on the device until the epoch ends, so
no step waits for the device.

A batch that does not fit in memory is split into pieces whose gradients add up to that of the batch.
"""

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from workflow.experiments.training import Training
from workflow.training import optimiser
from workflow.training.errors import halving
from workflow.training.feed import Batch
from workflow.training.model import Classifier

EXPLODED = 1e8  # gradient norm before clipping, or batch loss, from which no training recovers


class Step:
    """A model with its optimiser; call it with a batch.

    log: a tensor (loss, hits, gradient norm) per step since `begin_epoch`. micro: clips per piece, None for the whole
    batch.
    """

    def __init__(self, model: Classifier, settings: Training):
        self.model, self.gradient_norm = model, settings.gradient_norm
        self.optimiser = optimiser.build(model, settings)
        self.parameters = optimiser.parameters(self.optimiser)
        self.device = self.parameters[0].device
        half = settings.precision == "bfloat16"  # for matrix products; weights and sums stay float32
        self.autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=half, cache_enabled=False)
        self.micro: int | None = None
        self.log: list[Tensor] = []

    def begin_epoch(self) -> None:
        self.log = []

    def totals(self) -> tuple[float, float, int | None]:
        """Return loss and hits, summed over the clips of the epoch's steps so far, and the first step (from 1) that
        exploded, if any. Waits for the device."""
        entries = torch.stack(self.log).double().cpu()
        loss, hits, _ = entries.sum(0).tolist()
        # not (x <= limit) also catches NaN
        bad = (~(entries[:, [0, 2]] <= EXPLODED)).any(1).nonzero()
        return loss, hits, int(bad[0]) + 1 if len(bad) else None

    def __call__(self, batch: Batch) -> None:
        size = min(self.micro or len(batch.x), len(batch.x))
        sums, fitting = halving(partial(self.forward_backward, batch), size, "training")
        if fitting < size:
            self.micro = fitting
        self.log.append(self.update(*sums))

    def forward_backward(self, batch: Batch, size: int) -> tuple[Tensor, Tensor]:
        """Add up the gradients of the batch's mean loss over pieces of `size` clips; return summed loss and hits."""
        self.optimiser.zero_grad()
        count = len(batch.x)
        losses, hits = [], []
        for start in range(0, count, size):
            piece = batch.piece(start, size)
            with self.autocast:
                logits = self.model(piece.x, piece.lengths)
            loss = cross_entropy(logits.float(), piece.labels, reduction="sum")
            (loss / count).backward()
            losses.append(loss.detach())
            hits.append((logits.argmax(1) == piece.labels).sum(dtype=torch.float32))
        return sum(losses[1:], losses[0]), sum(hits[1:], hits[0])

    def update(self, loss: Tensor, hits: Tensor) -> Tensor:
        """Clip the gradients and apply them; return the entry of `log`."""
        norm = nn.utils.get_total_norm([p.grad for p in self.parameters if p.grad is not None])
        if self.gradient_norm is not None:
            nn.utils.clip_grads_with_norm_(self.parameters, self.gradient_norm, norm)
        self.optimiser.step()
        return torch.stack([loss, hits, norm])

    def logits(self, batches: Iterator[Batch], between: Callable[[], None] = lambda: None) -> Tensor:
        """Return logits (n, C), float32 on the device, in evaluation mode; call `between` before each batch."""
        self.model.eval()
        found = []
        with torch.inference_mode(), self.autocast:
            for batch in batches:
                between()
                found.append(self.model(batch.x, batch.lengths).float())
        self.model.train()
        return torch.cat(found)


class StepTimer:
    """Measures the median duration of this process's last 2000 steps, without waiting for the device.

    Call `tick()` before the first and after every step of an epoch, and `median_ms()` at its end.
    """

    def __init__(self, device: torch.device):
        self.on_gpu = device.type == "cuda"
        self.marks: list[Any] = []  # of the epoch: CUDA events, or seconds
        self.durations: deque[float] = deque(maxlen=2000)  # ms

    def tick(self) -> None:
        mark: Any = torch.cuda.Event(enable_timing=True) if self.on_gpu else time.perf_counter()
        if self.on_gpu:
            mark.record()
        self.marks.append(mark)

    def median_ms(self) -> float | None:
        """Return the median duration of a step so far, in ms; None if there are no steps."""
        marks, self.marks = self.marks, []
        if self.on_gpu:
            marks[-1].synchronize()
        for first, second in itertools.pairwise(marks):
            self.durations.append(first.elapsed_time(second) if self.on_gpu else 1e3 * (second - first))
        return median(self.durations) if self.durations else None
