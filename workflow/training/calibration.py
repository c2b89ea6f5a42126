"""Time a model's training step on this machine: a few steps on noise of the right shape."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.benchmark import Timer

from workflow.experiments.run import Run
from workflow.training import environment, model
from workflow.training.data import PARTS, Fold
from workflow.training.errors import log
from workflow.training.feed import Feed, shared
from workflow.training.step import build

SECONDS = 1.0  # time spent measuring, but at least one step
say = cache(log)  # a sentence once, not once per model


def measure(run: Run, shape: tuple[int, ...], classes: int) -> dict[str, Any]:
    """Return `step_ms`, `evaluation_ms` per clip, `device` and `threads`.

    shape: that of a stored clip, (T, height, width, 3) or (T, F).
    """
    place, _ = environment.prepare(run.training.device, run.training.precision, say)
    fold, threads = noise(run.training.batch_size, shape, classes), torch.get_num_threads()
    feed = Feed(replace(fold, clips=shared(fold.clips, run)), place)
    step = build(model.build(run, classes), run.training, feed)
    (rows,) = feed.rows([torch.arange(run.training.batch_size)])

    def milliseconds(work: Callable[[Tensor], object]) -> float:
        timer = Timer("work(rows)", globals={"rows": rows, "work": work}, num_threads=threads)
        timer.timeit(1)  # allocates and captures
        return 1e3 * timer.blocked_autorange(min_run_time=SECONDS).median

    times = {"step_ms": milliseconds(step), "evaluation_ms": milliseconds(step.logits) / len(rows)}
    return {**times, "device": environment.device_name(place), "threads": threads}


def noise(count: int, shape: tuple[int, ...], classes: int) -> Fold:
    """Return a fold of `count` random clips."""
    draw = np.random.default_rng(0)
    if len(shape) == 4:
        clips = draw.integers(0, 256, (count, *shape), dtype=np.uint8)
    else:
        clips = draw.random((count, *shape), dtype=np.float32).astype(np.float16)
    names = [str(number) for number in range(count)]
    rows = dict.fromkeys(PARTS, np.arange(count))
    labels, siblings = np.arange(count) % classes, np.zeros(count, np.int64)
    return Fold(clips, names, labels, siblings, None, rows, [str(k) for k in range(classes)], "", "")
