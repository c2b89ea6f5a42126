"""Time a model's training step on this machine: a few steps on noise of the right shape."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.utils.benchmark import Timer

from workflow.experiments.run import Run
from workflow.training import environment
from workflow.training.data import PARTS, Fold, prepared
from workflow.training.feed import Feed
from workflow.training.graphs import build

SECONDS = 1.0  # time spent measuring, but at least one step


def measure(run: Run, shape: tuple[int, ...], classes: int) -> dict[str, Any]:
    """Return `step_ms`, `evaluation_ms` per clip, `device` and `threads`.

    shape: that of a stored clip, (T, height, width, 3) or (T, F).
    """
    settings = run.training
    place, _ = environment.prepare(settings.device, settings.precision)
    fold = prepared(noise(settings.batch_size, shape, classes), run)
    step, feed = build(run, classes, place), Feed(fold, place)
    rows = torch.arange(settings.batch_size)
    threads = torch.get_num_threads()

    def train() -> None:
        for batch in feed.batches([rows]):
            step(batch)

    def milliseconds(work: Callable[[], object]) -> float:
        work()  # allocates and captures
        timer = Timer("work()", globals={"work": work}, num_threads=threads)
        return 1e3 * timer.blocked_autorange(min_run_time=SECONDS).median

    return {
        "step_ms": milliseconds(train),
        "evaluation_ms": milliseconds(lambda: step.logits(feed.batches([rows]))) / len(rows),
        "device": environment.device_name(place),
        "threads": threads,
    }


def noise(count: int, shape: tuple[int, ...], classes: int) -> Fold:
    """Return a fold of `count` random clips."""
    draw = np.random.default_rng(0)
    if len(shape) == 4:
        clips = draw.integers(0, 256, (count, *shape), dtype=np.uint8)
    else:
        clips = draw.random((count, *shape), dtype=np.float32).astype(np.float16)
    rows = {part: np.arange(count) for part in PARTS}
    names = [str(number) for number in range(count)]
    labels = np.arange(count) % classes
    return Fold(clips, names, labels, None, rows, [str(k) for k in range(classes)], "", "")
