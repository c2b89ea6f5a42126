"""Batches on the device. All clips of a fold stay there as stored (uint8) if they fit; otherwise they stream.

On CPU, clips stay in the memory-mapped file, which concurrent runs share.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from workflow.training.data import Fold

SHARE = 0.6  # of the free GPU memory that the clips may take
AHEAD = 3  # batches prepared while the device computes


class Batch(NamedTuple):
    """`x` (B, T, D) as stored, `labels` (B,), `lengths` (B,) or None, all on the device."""

    x: Tensor
    labels: Tensor
    lengths: Tensor | None

    def each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        """Apply `change` to each tensor."""
        lengths = None if self.lengths is None else change(self.lengths)
        return Batch(change(self.x), change(self.labels), lengths)

    def piece(self, start: int, size: int) -> "Batch":
        return self.each(lambda whole: whole[start : start + size])


class Feed:
    """Batches of `fold`. `resident`: put the clips on the device; None decides by free memory."""

    def __init__(self, fold: Fold, device: torch.device, resident: bool | None = None):
        clips = torch.from_numpy(fold.clips)
        lengths = None if fold.lengths is None else torch.from_numpy(fold.lengths)
        self.device = device
        self._all = Batch(clips.reshape(*clips.shape[:2], -1), torch.from_numpy(fold.labels), lengths)  # views
        used = torch.from_numpy(np.sort(np.concatenate(list(fold.rows.values()))))
        needed = len(used) * self._all.x[0].nbytes
        self.resident = device.type == "cpu" or (_fits(needed, device) if resident is None else resident)
        if self.resident and device.type != "cpu":
            place = torch.full((len(clips),), -1)  # of each clip in `_all`
            place[used] = torch.arange(len(used))
            self._place = place.to(device)
            self._all = self._all.each(lambda whole: whole.index_select(0, used).to(device))

    def batches(self, chunks: list[Tensor]) -> Iterator[Batch]:
        """One batch for each tensor of rows (of the fold's array, on the CPU) in `chunks`."""
        if not self.resident:
            yield from _prefetched(self._select, chunks, self.device)
        elif self.device.type == "cpu":
            yield from map(self._select, chunks)
        elif chunks:  # one transfer for all rows of an epoch; splitting it copies nothing
            rows = self._place[torch.cat(chunks).to(self.device)]
            yield from map(self._select, rows.split([len(chunk) for chunk in chunks]))

    def _select(self, rows: Tensor) -> Batch:
        return self._all.each(lambda whole: whole.index_select(0, rows))


def _fits(needed: int, device: torch.device) -> bool:
    free, _ = torch.cuda.mem_get_info(device)
    return needed <= SHARE * free


def _prefetched(select: Callable[[Tensor], Batch], chunks: list[Tensor], device: torch.device) -> Iterator[Batch]:
    """Gather batches in a thread, into pinned memory, and copy them while the device computes."""

    def gather(chunk: Tensor) -> Batch:
        batch = select(chunk)
        return batch.each(Tensor.pin_memory) if device.type == "cuda" else batch

    pool, ahead = ThreadPoolExecutor(max_workers=1), deque[Future[Batch]]()
    try:
        for chunk in chunks:
            ahead.append(pool.submit(gather, chunk))
            if len(ahead) > AHEAD:
                yield _on(device, ahead.popleft().result())
        while ahead:
            yield _on(device, ahead.popleft().result())
    finally:
        pool.shutdown(cancel_futures=True)


def _on(device: torch.device, batch: Batch) -> Batch:
    return batch.each(lambda part: part.to(device, non_blocking=True))
