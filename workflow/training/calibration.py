"""Time a model's training step on this machine: a few steps on noise of the right shape."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import torch

from workflow.experiments.run import Run
from workflow.training import device
from workflow.training.data import PARTS, Fold, prepared
from workflow.training.experiment import build_step
from workflow.training.feed import Feed

STEPS = 5
SECONDS = 5.0  # stop after about this long for one model, once there is one measurement


def measure(run: Run, shape: tuple[int, ...], classes: int) -> dict[str, Any]:
    """Return `step_ms`, `evaluation_ms` per clip and `device`. shape: of a stored clip, (T, height, width, 3) or
    (T, F)."""
    settings = run.training
    place = device.choose(settings.device)
    device.make_deterministic(place, settings.precision)
    fold = prepared(noise(settings.batch_size, shape, classes), run)
    step, feed = build_step(run, classes, place), Feed(fold, place)
    rows = torch.arange(settings.batch_size)

    def train() -> None:
        for batch in feed.batches([rows]):
            step(batch)

    step_s = _median(train, place)
    evaluate_s = _median(lambda: step.logits(feed.batches([rows])), place)
    return {
        "step_ms": 1e3 * step_s,
        "evaluation_ms": 1e3 * evaluate_s / len(rows),
        "device": device.name(place),
        "threads": torch.get_num_threads(),
    }


def noise(count: int, shape: tuple[int, ...], classes: int) -> Fold:
    """A fold of `count` random clips."""
    draw = np.random.default_rng(0)
    if len(shape) == 4:
        clips = draw.integers(0, 256, (count, *shape), dtype=np.uint8)
    else:
        clips = draw.random((count, *shape), dtype=np.float32).astype(np.float16)
    rows = {part: np.arange(count) for part in PARTS}
    names = [str(number) for number in range(count)]
    labels = np.arange(count) % classes
    return Fold(clips, names, labels, None, rows, [str(k) for k in range(classes)], "", "")


def _median(work: Callable[[], object], place: torch.device) -> float:
    """Seconds, without the first call, which allocates and captures."""
    durations: list[float] = []
    began = time.perf_counter()
    for number in range(STEPS + 1):
        start = time.perf_counter()
        work()
        if place.type == "cuda":
            torch.cuda.synchronize(place)
        if number:
            durations.append(time.perf_counter() - start)
        if durations and time.perf_counter() - began > SECONDS:
            break
    return median(durations)
