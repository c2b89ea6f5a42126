"""Batches on the device. All clips of a fold stay there as stored (uint8) if they fit; otherwise they stream.

On CPU, clips stay in the memory-mapped file, which concurrent runs share.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from workflow.training.data import Fold

MEMORY_SHARE = 0.6  # largest share of free GPU memory that clips may take
AHEAD = 3  # batches prepared while the device computes


class Batch(NamedTuple):
    """`x` (B, T, D) as stored, `labels` (B,), `lengths` (B,) or None, all on the device."""

    x: Tensor
    labels: Tensor
    lengths: Tensor | None

    def each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        """Return the batch with `change` applied to each tensor."""
        lengths = None if self.lengths is None else change(self.lengths)
        return Batch(change(self.x), change(self.labels), lengths)

    def piece(self, start: int, size: int) -> "Batch":
        """Return `size` clips from clip `start`, fewer at the end."""
        return self.each(lambda whole: whole[start : start + size])


class Feed:
    """Yields batches of `fold`. `resident`: whether its clips stay on the device."""

    def __init__(self, fold: Fold, device: torch.device):
        clips = torch.from_numpy(fold.clips).flatten(2)
        lengths = None if fold.lengths is None else torch.from_numpy(fold.lengths)
        self.device, self.resident = device, True
        self._all = Batch(clips, torch.from_numpy(fold.labels), lengths)
        self._position = torch.arange(len(clips))  # of each clip in `_all`
        if device.type != "cpu":
            used = torch.from_numpy(np.sort(np.concatenate(list(fold.rows.values()))))
            self.resident = len(used) * clips[0].nbytes <= MEMORY_SHARE * torch.cuda.mem_get_info(device)[0]
            if self.resident:
                self._position[used] = torch.arange(len(used))
                self._position = self._position.to(device)
                self._all = self._all.each(lambda whole: whole.index_select(0, used).to(device))

    def batches(self, chunks: list[Tensor]) -> Iterator[Batch]:
        """Yield a batch per tensor in `chunks`, which holds row indices into the fold's array, on the CPU."""
        if not self.resident:
            yield from self._prefetched(chunks)
        elif chunks:  # transfer all indices of an epoch at once; split() only makes views
            rows = self._position[torch.cat(chunks).to(self.device)]
            yield from map(self._select, rows.split([len(chunk) for chunk in chunks]))

    def _select(self, rows: Tensor) -> Batch:
        return self._all.each(lambda whole: whole.index_select(0, rows))

    def _prefetched(self, chunks: list[Tensor]) -> Iterator[Batch]:
        """Gather batches in a thread, into pinned memory, and copy them while the device computes."""

        def gather(chunk: Tensor) -> Batch:
            batch = self._select(chunk)
            return batch.each(Tensor.pin_memory) if self.device.type == "cuda" else batch

        waiting, ahead = iter(chunks), deque[Future[Batch]]()
        with ThreadPoolExecutor(max_workers=1) as pool:
            while True:
                ahead.extend(pool.submit(gather, chunk) for chunk in islice(waiting, AHEAD + 1 - len(ahead)))
                if not ahead:
                    return
                yield ahead.popleft().result().each(lambda part: part.to(self.device, non_blocking=True))
