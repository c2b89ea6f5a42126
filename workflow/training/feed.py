"""Batches on the device. All clips of a fold stay there as stored (uint8) if they fit; otherwise each batch is copied.

On CPU, clips stay in the memory-mapped file, which concurrent runs share.
"""

from collections.abc import Callable, Iterator
from itertools import repeat
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from workflow.training.data import Fold

MEMORY_SHARE = 0.6  # largest share of free GPU memory that clips may take


class Batch(NamedTuple):
    """`x` (B, T, D) as stored, `labels` (B,), `lengths` (B,) or None, all on the device."""

    x: Tensor
    labels: Tensor
    lengths: Tensor | None

    def each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        """Return the batch with `change` applied to each tensor."""
        lengths = None if self.lengths is None else change(self.lengths)
        return Batch(change(self.x), change(self.labels), lengths)

    def pieces(self, size: int) -> Iterator["Batch"]:
        """Yield consecutive batches of `size` clips, the last of the rest."""
        lengths = repeat(None) if self.lengths is None else self.lengths.split(size)
        yield from map(Batch, self.x.split(size), self.labels.split(size), lengths)

    def copy_(self, other: "Batch") -> None:
        """Copy the tensors of `other` into those of this batch."""
        for mine, its in zip(self, other, strict=True):
            if mine is not None and its is not None:
                mine.copy_(its)


class Feed:
    """Yields batches of `fold`."""

    def __init__(self, fold: Fold, device: torch.device):
        clips = torch.from_numpy(fold.clips).flatten(2)
        lengths = None if fold.lengths is None else torch.from_numpy(fold.lengths)
        self.device = device
        self._all = Batch(clips, torch.from_numpy(fold.labels), lengths)
        self._position = torch.arange(len(clips))  # of each clip in `_all`
        if device.type != "cpu":
            used = torch.from_numpy(np.sort(np.concatenate(list(fold.rows.values()))))
            if len(used) * clips[0].nbytes <= MEMORY_SHARE * torch.cuda.mem_get_info(device)[0]:
                self._position[used] = torch.arange(len(used))
                self._position = self._position.to(device)
                self._all = self._all.each(lambda whole: whole.index_select(0, used).to(device))

    def batches(self, chunks: list[Tensor]) -> Iterator[Batch]:
        """Yield a batch per tensor in `chunks`, which holds row indices into the fold's array, on the CPU."""
        if chunks:  # transfer all indices of an epoch at once; split() only makes views
            rows = self._position[torch.cat(chunks).to(self._position.device)]
            yield from map(self._select, rows.split([len(chunk) for chunk in chunks]))

    def _select(self, rows: Tensor) -> Batch:
        return self._all.each(lambda whole: whole.index_select(0, rows).to(self.device))
