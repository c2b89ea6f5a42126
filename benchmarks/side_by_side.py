"""Training steps per second of several runs side by side, and whether a run ends with the same weights when alone."""

import copy
import gc
import itertools
import json
import math
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import mean
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks import measure
from benchmarks.compare import FRAMES
from workflow.training import model, step
from workflow.training.feed import Feed, shared
from workflow.training.side_by_side import Lane

AT_A_TIME = {"cuda": (1, 5, 25), "cpu": (1, 2)}
BATCH = 16
CLIPS, TRAINED, CLASSES = 400, 320, 11  # the other clips are scored after each epoch
COMPARED = 10  # steps after which the weights of a run are compared
SECONDS = 0.5  # of steps, for each number of runs
SETTINGS = {  # used when no configuration is given
    "optimizer": "adam", "learning_rate": 0.001, "weight_decay": 0.0, "classifier_weight_decay": 0.0,
    "gradient_norm": 5.0, "dropout_input": 0.25, "dropout_product": 0.0, "dropout_recurrent": 0.25,
    "dropout_mask": "clip", "dropout_classifier": 0.0, "normalisation": "unit", "feature_scale": 1.0,
    "precision": "float32", "batch_size": BATCH,
}  # fmt: skip
UTILISATION = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "200")


class Training:
    """An endless training run, advanced as by `workflow.training.loop` and `side_by_side`, but without records."""

    def __init__(self, classifier: model.Classifier, settings: Any, feed: Feed, seed: int):
        self.feed, self.seed, self.taken = feed, seed, 0
        stream = torch.cuda.Stream() if feed.device.type == "cuda" else None
        job: Any = None  # only records need one
        self.lane = Lane(job, self.steps(classifier, settings), stream)

    def steps(self, classifier: model.Classifier, settings: Any) -> Iterator[int]:
        self.step = step.build(copy.deepcopy(classifier), settings, self.feed)  # in its turn: on its own stream
        torch.manual_seed(self.seed)
        scored = self.feed.rows([torch.arange(TRAINED, CLIPS)])
        self.step.clips["scoring"] = CLIPS
        for epoch in itertools.count():
            order = np.random.default_rng([self.seed, epoch]).permutation(TRAINED)
            for rows in self.feed.rows(list(torch.from_numpy(order).split(BATCH))):
                self.step(rows)
                self.taken += 1
                yield epoch
            self.step.totals()
            self.step.log.clear()
            torch.cat([self.step.logits(rows) for rows in scored]).argmax(1).tolist()


def take(trainings: list[Training], steps: int) -> None:
    """Take `steps` steps of each training, in turns."""
    for _ in range(steps):
        for training in trainings:
            training.lane.advance()
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def rates(row: dict, device: str) -> Iterator[dict]:
    """Yield a row for each number of runs of an experiment, a row of `gpu.experiments`."""
    settings = SimpleNamespace(**SETTINGS | row.get("settings", {}), device=device)
    run: Any = SimpleNamespace(recurrent=row["layer"], front_end=row["front_end"], training=settings)
    torch.manual_seed(0)
    classifier, draw = model.build(run, CLASSES), np.random.default_rng(0)
    if row["front_end"] == "pixels":
        clips: Any = draw.integers(0, 256, (CLIPS, FRAMES, *frame(row["layer"]["input_size"]), 3), np.uint8)
    else:
        clips = draw.random((CLIPS, FRAMES, row["layer"]["input_size"]), np.float32).astype(np.float16)
    fold: Any = SimpleNamespace(clips=shared(clips, run), labels=np.arange(CLIPS) % CLASSES, lengths=None)
    feed, alone, single = Feed(fold, torch.device(device)), list[Tensor](), None
    for count in AT_A_TIME[device]:
        trainings = [Training(classifier, settings, feed, seed) for seed in range(count)]
        take(trainings, COMPARED)
        if device == "cuda":
            take(trainings, 2 * TRAINED // BATCH)  # scorings are captured, too
        weights = [parameter.detach().clone() for parameter in trainings[0].step.parameters]
        alone = alone or weights
        warmed, taken = trainings[0].taken, sum(training.taken for training in trainings)
        with utilisation(device) as busy:
            start = time.perf_counter()
            while (elapsed := time.perf_counter() - start) < SECONDS or trainings[0].taken == warmed:
                take(trainings, COMPARED)
        rate = (sum(training.taken for training in trainings) - taken) / elapsed
        single = single or rate
        known = {name: row[name] for name in ("experiment", "model", "front_end")}
        known |= {"device": measure.label(device), "batch": BATCH, "frames": FRAMES, "side_by_side": count}
        known |= {"steps_per_s": rate, "gain": rate / single, "equal": all(map(torch.equal, alone, weights))}
        yield known | {"utilisation": mean(busy) if busy else None, "key": key(row)}
        del trainings
        gc.collect()
        torch.cuda.empty_cache()  # without effect on a CPU


def frame(numbers: int) -> tuple[int, int]:
    """Height and width of a picture of so many numbers, three a pixel, as square as can be: 57,600 -> (128, 150)."""
    height = next(side for side in range(math.isqrt(numbers // 3), 0, -1) if numbers // 3 % side == 0)
    return height, numbers // 3 // height


@contextmanager
def utilisation(device: str) -> Iterator[list[float]]:
    """A list that is filled, at the end, with the per cent of time that the driver states the GPU to be busy."""
    busy: list[float] = []
    if device != "cuda" or not shutil.which(UTILISATION[0]):
        yield busy
        return
    own = f"--id=GPU-{torch.cuda.get_device_properties().uuid}"  # nvidia-smi numbers also those that CUDA does not see
    with subprocess.Popen((*UTILISATION, own), stdout=subprocess.PIPE, text=True) as sampler:
        try:
            yield busy
        finally:
            sampler.terminate()
        assert sampler.stdout is not None
        busy += [float(line) for line in sampler.stdout if line.strip().isdigit()]


def key(row: dict) -> str:
    """What the speed of an experiment depends on: its layer, front end and settings, but for numbers of training."""
    settings = SETTINGS | row.get("settings", {})
    same = {name: bool(value) if isinstance(value, float) else value for name, value in settings.items()}
    return json.dumps([row["layer"], row["front_end"], same], sort_keys=True)
