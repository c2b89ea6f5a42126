"""Duration of a training step: the median over this process's steps, measured without waiting for the device."""

import itertools
import time
from collections import deque
from statistics import median
from typing import Any

import torch

KEEP = 2000


class StepTimer:
    """`tick()` before the first and after every step of an epoch, `median_ms()` at its end."""

    def __init__(self, device: torch.device):
        self.on_gpu = device.type == "cuda"
        self.marks: list[Any] = []  # of the epoch: CUDA events, or seconds
        self.durations: deque[float] = deque(maxlen=KEEP)  # ms

    def tick(self) -> None:
        mark: Any = torch.cuda.Event(enable_timing=True) if self.on_gpu else time.perf_counter()
        if self.on_gpu:
            mark.record()
        self.marks.append(mark)

    def median_ms(self) -> float | None:
        """Median of the steps so far; None if there are none."""
        marks, self.marks = self.marks, []
        if self.on_gpu:
            marks[-1].synchronize()
        for first, second in itertools.pairwise(marks):
            self.durations.append(first.elapsed_time(second) if self.on_gpu else 1e3 * (second - first))
        return median(self.durations) if self.durations else None
