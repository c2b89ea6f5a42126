"""One run of a model that is trained by epochs: build it, resume, train, score the chosen epoch."""

import json
import resource
from pathlib import Path
from typing import Any

import numpy as np
import torch

from workflow.experiments.run import Run
from workflow.storage import files
from workflow.training import device, model, scores, seeds
from workflow.training.data import prepared
from workflow.training.errors import RunFailure, memory_failure
from workflow.training.graphs import GraphedStep
from workflow.training.job import Job, Outcome, failed
from workflow.training.loop import LOGITS, Loop
from workflow.training.progress import Progress, log
from workflow.training.record import METRICS
from workflow.training.step import Step


def train(job: Job) -> Outcome:
    """Train a model and score the epoch chosen on validation. Raises RunFailure if there is no device to use."""
    name, settings = job.run.folder, job.run.training
    place = device.choose(settings.device)
    precision = device.make_deterministic(place, settings.precision)
    known = {"device": device.name(place), "precision": precision}
    environment = device.describe(place) | {"seeds": seeds.all_of(name)}
    try:
        with memory_failure("out of memory before the first step: the model and its clips do not fit"):
            torch.manual_seed(seeds.derive(name, "initialisation"))
            loop = Loop(job, prepared(job.fold, job.run), build_step(job.run, len(job.fold.classes), place))
            job.interruption.worth_saving = True
    except RunFailure as failure:
        return Outcome(known | failed(failure), environment)
    try:
        with memory_failure("out of memory"):
            _train(loop, job.output / METRICS)
            result, probabilities, weights = _scores(loop)
    except RunFailure as failure:
        return Outcome(known | _costs(loop) | failed(failure), environment)
    environment["cuda_graph"] = isinstance(loop.step, GraphedStep) and loop.step.refused is None
    return Outcome(known | _costs(loop) | result, environment, probabilities, weights)


def build_step(run: Run, classes: int, place: torch.device) -> Step:
    """The run's model with fresh weights, drawn from torch's global generator on the CPU, and its optimiser."""
    kind = GraphedStep if place.type == "cuda" else Step
    return kind(model.build(run, classes).to(place), run.training)


def _train(loop: Loop, path: Path) -> None:
    """Train to the end, with a line of metrics.jsonl for each epoch."""
    if loop.resume():
        log(f"{loop.name}: resuming after epoch {loop.state.epoch}")
    bar = Progress(loop.name, loop.settings.epochs, loop.state.epoch)
    files.write_text(path, "".join(map(_line, loop.state.history)))  # drops epochs after the checkpoint
    try:
        with path.open("a") as metrics:
            for entry in loop.epochs():
                metrics.write(_line(entry))
                metrics.flush()
                bar.show(entry)
    finally:
        bar.close()


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, allow_nan=False) + "\n"


def _scores(loop: Loop) -> tuple[dict[str, Any], np.ndarray, dict[str, np.ndarray]]:
    """Return the scores of the chosen epoch, its probabilities on the test clips and its weights."""
    assert loop.best is not None  # there is at least one epoch
    kept, history, fold = loop.best.tensors, loop.state.history, loop.fold
    probabilities = scores.probabilities(kept[LOGITS].cpu().numpy())
    chosen = scores.chosen(history)
    best = max(history, key=lambda entry: entry["test_accuracy"])  # the first of equals
    result = {
        "status": "ok",
        **scores.summary(fold.labels[fold.rows["test"]], probabilities),
        "best_epoch_accuracy": best["test_accuracy"],
        "best_test_epoch": best["epoch"],
        "best_epoch": chosen["epoch"],
        "validation_accuracy": chosen["validation_accuracy"],
        "train_accuracy": history[-1]["train_accuracy"],
    }
    weights = {name: tensor.contiguous().cpu().numpy() for name, tensor in kept.items() if name != LOGITS}
    return result, probabilities, weights


def _costs(loop: Loop) -> dict[str, Any]:
    if loop.feed.device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(loop.feed.device) / 2**20
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return {
        "epochs": loop.state.epoch,
        "train_seconds": loop.state.train_seconds,
        "step_ms": loop.state.step_ms,
        "peak_memory_mb": peak,
        "interruptions": loop.state.interruptions,
        "clips_at_a_time": loop.step.micro or loop.settings.batch_size,
    }
