"""Advance the runs of a job in turns: on a GPU several side by side, on a CPU one after another.

Models of this size leave most of a GPU idle. Every run has its own CUDA graphs, stream and random numbers, so its
steps overlap with those of the others, and it computes the same bits alone and next to any number of others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from workflow.training import environment
from workflow.training.errors import log, out_of_memory

if TYPE_CHECKING:
    from workflow.training.job import Job

MEMORY_SHARE = 0.8  # largest share of the free GPU memory that further runs may take
STREAMS = 32  # that torch has for a GPU: it hands out the same ones again after that many


class Lane:
    """A run under way, with the CUDA stream (None on a CPU) and the random numbers that belong to it."""

    def __init__(self, job: Job, steps: Iterator[int], stream: torch.cuda.Stream | None):
        self.job, self.stream = job, stream
        self._steps = steps
        self._random = torch.get_rng_state()
        self._generator = None if stream is None else torch.Generator("cuda")

    def advance(self) -> int:
        """Take a step and return the number of finished epochs. Raise StopIteration when the run has ended."""
        with self._turn():
            return next(self._steps)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Make the run's stream and random generators the current ones."""
        if self._generator is not None:
            # not copied but exchanged, so that a graph finds the generator that it was captured with
            torch.cuda.default_generators[torch.cuda.current_device()].graphsafe_set_state(self._generator)
            # the CPU's generator draws the initial weights only, right after its seed
            with torch.cuda.stream(self.stream):
                yield
            return
        torch.set_rng_state(self._random)
        try:
            yield
        finally:
            self._random = torch.get_rng_state()


def train(jobs: Iterable[Job], start: Callable[[Job], Iterator[int]], at_a_time: int | None = None) -> None:
    """Train all runs. start: return the steps of a run; each yields the number of epochs finished since the start.

    at_a_time: how many runs take turns; None: one on a CPU, and on a GPU as many as its memory holds, which shows
    after the first epoch of the first run. A run that does not fit is started again, from its checkpoint, when one of
    the others has ended. A signal lets every run save before SystemExit is raised; see `job.Interruption`.
    """
    waiting, lanes, left = deque(jobs), list[Lane](), None
    room, measured, begun = min(at_a_time or 1, STREAMS), at_a_time is not None, 0
    # two runs never share a stream: the graphs captured on one share the workspace of its matrix products
    on_gpu = bool(waiting) and environment.on_gpu(waiting[0].run.training.device)
    streams = [torch.cuda.Stream() if on_gpu else None for _ in range(STREAMS)]
    while lanes or (waiting and left is None):
        while waiting and left is None and len(lanes) < room:
            if not lanes:
                waiting[0].interruption.leave_if_asked()
                torch.cuda.empty_cache()  # of an earlier run, or the memory that this one takes looks too small
                begun = torch.cuda.memory_reserved()
            job = waiting.popleft()
            lanes.append(Lane(job, start(job), streams.pop()))
        for lane in lanes:
            lane.job.alone = len(lanes) == 1
            lane.job.side_by_side = max(lane.job.side_by_side, len(lanes))
        for lane in list(lanes):
            try:
                if lane.advance() and not measured:
                    room, measured = min(1 + further(torch.cuda.memory_reserved() - begun), STREAMS), True
                continue
            except StopIteration:
                pass
            except SystemExit as end:
                if not lane.job.interruption.worth_saving:
                    raise
                left = end
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error) or lane.job.alone:
                    raise
                waiting.appendleft(lane.job)
                room = max(len(lanes) - 1, 1)
                log(f"out of memory: {room} runs side by side from now on; {lane.job.run.folder} starts again later")
            lanes.remove(lane)
            streams.append(lane.stream)
    if left is not None:
        raise left


def further(used: int) -> int:
    """Return how many more runs fit on the GPU if each takes `used` bytes; 0 on a CPU."""
    return int(MEMORY_SHARE * torch.cuda.mem_get_info()[0] / used) if used > 0 else 0
