"""How long a step of a model takes on this machine: a few steps on noise of the right shape."""

import time
from statistics import median
from typing import Any

import numpy as np
import torch

from workflow.experiments.run import Run
from workflow.training import evaluation, experiment, model, optimiser
from workflow.training.data import PARTS, Fold, prepared
from workflow.training.environment import device_name
from workflow.training.feed import Feed
from workflow.training.graphs import GraphedStep
from workflow.training.step import Step

STEPS = 5
SECONDS = 5.0  # at most about this long for one model, once every step has been tried


def measure(run: Run, shape: tuple[int, ...], classes: int) -> dict[str, Any]:
    """`step_ms`, `evaluation_ms` of a clip, `device`. shape: a clip as stored, (T, height, width, 3) or (T, F)."""
    settings = run.training
    device = experiment.choose_device(settings.device)
    experiment.switch_on_determinism(device, settings.precision)
    clips = noise(settings.batch_size, shape, classes)
    fold = prepared(clips, run.recurrent["format"], settings.normalisation)
    network = model.build(run, classes).to(device)
    kind = GraphedStep if device.type == "cuda" else Step
    step = kind(network, optimiser.build(network, settings), settings.gradient_norm, settings.precision)
    feed = Feed(fold, device)
    rows = torch.arange(settings.batch_size)
    step_ms = 1e3 * _median(lambda: [step(batch) for batch in feed.batches([rows])], device)
    evaluate_s = _median(lambda: evaluation.logits(network, feed, rows, len(rows), settings.precision), device)
    return {
        "step_ms": step_ms,
        "evaluation_ms": 1e3 * evaluate_s / len(rows),
        "device": device_name(device),
        "threads": torch.get_num_threads(),
    }


def noise(count: int, shape: tuple[int, ...], classes: int) -> Fold:
    draw = np.random.default_rng(0)
    if len(shape) == 4:
        clips = draw.integers(0, 256, (count, *shape), dtype=np.uint8)
    else:
        clips = draw.random((count, *shape), dtype=np.float32).astype(np.float16)
    rows = {part: np.arange(count) for part in PARTS}
    names = [str(number) for number in range(count)]
    labels = np.arange(count) % classes
    return Fold(clips, names, labels, None, rows, [str(k) for k in range(classes)], "", "")


def _median(work, device: torch.device) -> float:
    """Seconds; the first call, which allocates and captures, does not count."""
    took = []
    began = time.perf_counter()
    for number in range(STEPS + 1):
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if number:
            took.append(time.perf_counter() - start)
        if took and time.perf_counter() - began > SECONDS:
            break
    return median(took)
