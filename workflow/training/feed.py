"""Batches on the device. All clips of a fold lie there as they are stored (uint8) when they fit, else they stream.

On a CPU "the device" is the memory-mapped file: several runs share its pages.
"""

import queue
import threading
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from workflow.training.data import Fold

SHARE = 0.6  # of the free GPU memory that the clips may take
AHEAD = 3  # batches that are prepared while the device computes


class Batch(NamedTuple):
    """`x` (B, T, D) as stored, `labels` (B,), `lengths` (B,) or None, all on the device."""

    x: torch.Tensor
    labels: torch.Tensor
    lengths: torch.Tensor | None


class Feed:
    """Batches of `fold`. `resident`: whether the clips are put on the device; None decides by free memory."""

    def __init__(self, fold: Fold, device: torch.device, resident: bool | None = None):
        clips = torch.from_numpy(fold.clips)
        self._clips = clips.reshape(*clips.shape[:2], -1)  # (N, T, D), a view
        self._labels = torch.from_numpy(fold.labels)
        self._lengths = None if fold.lengths is None else torch.from_numpy(fold.lengths)
        self.device = device
        used = torch.from_numpy(np.sort(np.concatenate(list(fold.rows.values()))))
        needed = len(used) * self._clips[0].nbytes
        self.resident = device.type == "cpu" or (_fits(needed, device) if resident is None else resident)
        if self.resident and device.type != "cpu":
            local = torch.full((len(self._clips),), -1)
            local[used] = torch.arange(len(used))
            self._local = local.to(device)
            self._clips = self._clips.index_select(0, used).to(device)
            self._labels = self._labels.index_select(0, used).to(device)
            self._lengths = None if self._lengths is None else self._lengths.index_select(0, used).to(device)

    def batches(self, chunks: list[torch.Tensor]) -> Iterator[Batch]:
        """One batch for each tensor of rows (of the fold's array, on the CPU) in `chunks`."""
        if not self.resident:
            yield from _prefetched(self._select, chunks, self.device)
        elif self.device.type == "cpu":
            yield from map(self._select, chunks)
        else:
            # one transfer for all rows of an epoch; slices of it are free
            rows = self._local[torch.cat(chunks).to(self.device)] if chunks else None
            start = 0
            for chunk in chunks:
                yield self._select(rows[start : start + len(chunk)])
                start += len(chunk)

    def _select(self, rows: torch.Tensor) -> Batch:
        lengths = None if self._lengths is None else self._lengths.index_select(0, rows)
        return Batch(self._clips.index_select(0, rows), self._labels.index_select(0, rows), lengths)


def _fits(needed: int, device: torch.device) -> bool:
    free, _ = torch.cuda.mem_get_info(device)
    return needed <= SHARE * free


def _prefetched(select, chunks: list[torch.Tensor], device: torch.device) -> Iterator[Batch]:
    """Batches gathered by a thread into pinned memory, copied while the device computes."""
    ready: queue.Queue = queue.Queue(AHEAD)
    stop = threading.Event()

    def gather() -> None:
        try:
            for chunk in chunks:
                if stop.is_set():
                    return
                batch = select(chunk)
                if device.type == "cuda":
                    batch = Batch(*(part if part is None else part.pin_memory() for part in batch))
                ready.put(batch)
            ready.put(None)
        except Exception as error:  # raised in the loop, not lost in the thread
            ready.put(error)

    thread = threading.Thread(target=gather, daemon=True)
    thread.start()
    try:
        while (batch := ready.get()) is not None:
            if isinstance(batch, Exception):
                raise batch
            yield Batch(*(part if part is None else part.to(device, non_blocking=True) for part in batch))
    finally:
        stop.set()
        while thread.is_alive():  # it may wait for room in the queue
            try:
                ready.get_nowait()
            except queue.Empty:
                thread.join(0.01)
