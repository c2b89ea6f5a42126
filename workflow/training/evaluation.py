"""Logits of many clips, and loss and accuracy of a part from them."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from workflow.training.feed import Feed
from workflow.training.step import autocast

ROWS = 1024  # frames at a time


def batch_size(training_batch: int, frames: int) -> int:
    return max(training_batch, ROWS // frames)


def logits(
    model: nn.Module,
    feed: Feed,
    rows: torch.Tensor,
    size: int,
    precision: str = "float32",
    between: Callable[[], None] = lambda: None,
) -> torch.Tensor:
    """(n, C) float32 on the device, in the order of `rows`; `between` is called before every batch."""
    model.eval()
    found = []
    with torch.inference_mode(), autocast(feed.device, precision):
        for batch in feed.batches(list(rows.split(size))):
            between()
            found.append(model(batch.x, batch.lengths).float())
    model.train()
    return torch.cat(found)


def loss_and_accuracy(outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """(2,) float64 on the device: mean cross-entropy and share of hits."""
    loss = cross_entropy(outputs.double(), labels)
    return torch.stack([loss, (outputs.argmax(1) == labels).double().mean()])
