"""Batches on the device. All clips of a data set stay there, once and as stored (uint8), if they fit.

On CPU, clips stay in the memory-mapped file, which concurrent jobs share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from baselines import FORMATS
from workflow.datasets.front_ends.pixels import NORMALISATIONS
from workflow.training import environment

if TYPE_CHECKING:
    from workflow.experiments.run import Run
    from workflow.training.data import Fold

EVALUATED_FRAMES = 1024  # at a time, but at least as many clips as in a training batch
MEMORY_SHARE = 0.6  # largest share of free GPU memory that clips may take


class Batch(NamedTuple):
    """`x` (B, T, D) as stored, `labels` (B,), `lengths` (B,) or None, all on the device."""

    x: Tensor
    labels: Tensor
    lengths: Tensor | None

    def each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """Return the batch with `change` applied to each tensor."""
        lengths = None if self.lengths is None else change(self.lengths)
        return Batch(change(self.x), change(self.labels), lengths)

    def pieces(self, size: int) -> Iterator[Batch]:
        """Yield consecutive batches of `size` clips, the last of the rest."""
        lengths = repeat(None) if self.lengths is None else self.lengths.split(size)
        yield from map(Batch, self.x.split(size), self.labels.split(size), lengths)


def shared(clips: np.ndarray, run: Run) -> Tensor:
    """Return the clips (N, T, D) as the run's model receives them, for all runs of its experiment.

    On a GPU, if there is one and they fit; otherwise each batch is copied.
    """
    if prepare := FORMATS[run.recurrent["format"]].prepare:
        clips = prepare(clips, *NORMALISATIONS[run.training.normalisation])
    tensor = torch.from_numpy(clips).flatten(2)
    fits = environment.on_gpu(run.training.device) and tensor.nbytes <= MEMORY_SHARE * torch.cuda.mem_get_info()[0]
    return tensor.to("cuda") if fits else tensor


def scored(fold: Fold, batch_size: int) -> tuple[list[Tensor], int]:
    """Return the rows of validation clips, then of test clips, in the batches that are scored, and the batches' size.

    Other batches would round numbers differently.
    """
    rows = [torch.from_numpy(fold.rows[part]) for part in ("validation", "test") if part in fold.rows]
    size = max(batch_size, EVALUATED_FRAMES // fold.clips.shape[1])
    return list(torch.cat(rows).split(size)), size


class Feed:
    """Selects batches of `fold` for `device`. Its clips: see `shared`. resident: whether they are there already."""

    def __init__(self, fold: Fold, device: torch.device):
        self.device, self._place = device, fold.clips.device
        self.resident = self._place.type == device.type
        lengths = None if fold.lengths is None else torch.from_numpy(fold.lengths).to(self._place)
        self._all = Batch(fold.clips, torch.from_numpy(fold.labels).to(self._place), lengths)

    def rows(self, chunks: list[Tensor]) -> tuple[Tensor, ...]:
        """Return what `select` takes for each tensor of `chunks`, which holds row indices on the CPU.

        All of them are transferred at once.
        """
        return torch.cat(chunks).to(self._place).split([len(chunk) for chunk in chunks]) if chunks else ()

    def select(self, rows: Tensor) -> Batch:
        """Return the batch of `rows`, row indices into the fold's clips."""
        return self._all.each(lambda whole: whole.index_select(0, rows).to(self.device))
