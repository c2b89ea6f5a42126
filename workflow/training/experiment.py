"""One run of a model that is trained by epochs: build it, resume, train, score the chosen epoch."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import softmax

from workflow.datasets.progress import bar
from workflow.experiments.run import Run
from workflow.storage import files
from workflow.training import environment, model, scores
from workflow.training.data import prepared
from workflow.training.errors import log
from workflow.training.graphs import GraphedStep
from workflow.training.job import Job
from workflow.training.loop import LOGITS, Loop
from workflow.training.record import METRICS
from workflow.training.step import Step

SHOWN = ("train_loss", "train_accuracy", "validation_accuracy", "test_accuracy")  # in the progress


def train(job: Job) -> None:
    """Train a model and score the epoch chosen on validation. RunFailure if there is no device to use or too little
    memory, or a number is not finite; `job` then has what was found before."""
    settings = job.run.training
    place = environment.choose_device(settings.device)
    precision = environment.make_deterministic(place, settings.precision)
    job.result = {"device": environment.device_name(place), "precision": precision}
    job.environment |= environment.describe(place)
    torch.manual_seed(job.run.seeds["initialisation"])
    loop = Loop(job, prepared(job.fold, job.run), build_step(job.run, len(job.fold.classes), place))
    job.interruption.worth_saving = True
    try:
        _train(loop, job.output / METRICS)
        _score(loop, job)
    finally:
        job.result |= _costs(loop)
    job.environment["cuda_graph"] = isinstance(loop.step, GraphedStep) and loop.step.refused is None


def build_step(run: Run, classes: int, place: torch.device) -> Step:
    """The run's model with fresh weights, drawn from torch's global generator on the CPU, and its optimiser."""
    kind = GraphedStep if place.type == "cuda" else Step
    return kind(model.build(run, classes).to(place), run.training)


def _train(loop: Loop, path: Path) -> None:
    """Train to the end, with a line of metrics.jsonl for each epoch."""
    if loop.resume():
        log(f"{loop.name}: resuming after epoch {loop.state.epoch}")
    files.write_text(path, "".join(map(_line, loop.state.history)))  # drops epochs after the checkpoint
    epochs, done = loop.settings.epochs, loop.state.epoch
    with bar(loop.name, epochs, " epochs", done) as progress, path.open("a") as metrics:
        for entry in loop.epochs():
            metrics.write(_line(entry))
            metrics.flush()
            progress.set_postfix({name: f"{entry[name]:.3f}" for name in SHOWN}, refresh=False)
            progress.update()


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, allow_nan=False) + "\n"


def _score(loop: Loop, job: Job) -> None:
    """Add the scores of the chosen epoch, its probabilities on the test clips and its weights."""
    history, fold = loop.state.history, loop.fold
    kept = {name: tensor.contiguous().cpu().numpy() for name, tensor in loop.state.best.items()}
    job.probabilities = softmax(kept.pop(LOGITS).astype(np.float64), axis=1)
    job.weights = kept
    chosen = scores.chosen(history)
    best = max(history, key=lambda entry: entry["test_accuracy"])  # the first of equals
    job.result |= {
        "status": "ok",
        **scores.summary(fold.labels[fold.rows["test"]], job.probabilities),
        "best_epoch_accuracy": best["test_accuracy"],
        "best_test_epoch": best["epoch"],
        "best_epoch": chosen["epoch"],
        "validation_accuracy": chosen["validation_accuracy"],
        "train_accuracy": history[-1]["train_accuracy"],
    }


def _costs(loop: Loop) -> dict[str, Any]:
    on_gpu, state = loop.step.device.type == "cuda", loop.state
    peak = torch.cuda.max_memory_allocated(loop.step.device) / 2**20 if on_gpu else environment.peak_memory_mb()
    return {
        "epochs": state.epoch,
        "train_seconds": state.seconds + sum(entry["seconds"] for entry in state.history),
        "step_ms": state.step_ms,
        "peak_memory_mb": peak,
        "interruptions": state.interruptions,
        "clips_at_a_time": loop.step.micro or loop.settings.batch_size,
    }
