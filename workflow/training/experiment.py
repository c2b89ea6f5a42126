"""One run of a model that is trained by epochs: build it, resume, train, score the chosen epoch."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import torch

from workflow.experiments.run import Run
from workflow.storage import files
from workflow.training import device, environment, model, scores, seeds
from workflow.training.data import prepared
from workflow.training.errors import memory_failure
from workflow.training.graphs import GraphedStep
from workflow.training.job import Job, Outcome
from workflow.training.loop import LOGITS, Loop
from workflow.training.progress import Progress, log
from workflow.training.record import METRICS
from workflow.training.step import Step


def train(job: Job, outcome: Outcome) -> None:
    """Train a model and score the epoch chosen on validation. RunFailure if there is no device to use or too little
    memory, or a number is not finite; `outcome` has what was found before."""
    settings = job.run.training
    place = device.choose(settings.device)
    precision = device.make_deterministic(place, settings.precision)
    outcome.result |= {"device": device.name(place), "precision": precision}
    outcome.environment |= device.describe(place)
    with memory_failure("out of memory before the first step: the model and its clips do not fit"):
        torch.manual_seed(seeds.derive(job.run.folder, "initialisation"))
        loop = Loop(job, prepared(job.fold, job.run), build_step(job.run, len(job.fold.classes), place))
        job.interruption.worth_saving = True
    try:
        with memory_failure("out of memory"):
            _train(loop, job.output / METRICS)
            _score(loop, outcome)
    finally:
        outcome.result |= _costs(loop)
    outcome.environment["cuda_graph"] = isinstance(loop.step, GraphedStep) and loop.step.refused is None


def build_step(run: Run, classes: int, place: torch.device) -> Step:
    """The run's model with fresh weights, drawn from torch's global generator on the CPU, and its optimiser."""
    kind = GraphedStep if place.type == "cuda" else Step
    return kind(model.build(run, classes).to(place), run.training)


def _train(loop: Loop, path: Path) -> None:
    """Train to the end, with a line of metrics.jsonl for each epoch."""
    if loop.resume():
        log(f"{loop.name}: resuming after epoch {loop.state.epoch}")
    files.write_text(path, "".join(map(_line, loop.state.history)))  # drops epochs after the checkpoint
    with closing(Progress(loop.name, loop.settings.epochs, loop.state.epoch)) as bar, path.open("a") as metrics:
        for entry in loop.epochs():
            metrics.write(_line(entry))
            metrics.flush()
            bar.show(entry)


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, allow_nan=False) + "\n"


def _score(loop: Loop, outcome: Outcome) -> None:
    """Add the scores of the chosen epoch, its probabilities on the test clips and its weights."""
    history, fold = loop.state.history, loop.fold
    kept = {name: tensor.contiguous().cpu().numpy() for name, tensor in loop.best.items()}
    outcome.probabilities = scores.probabilities(kept.pop(LOGITS))
    outcome.weights = kept
    chosen = scores.chosen(history)
    best = max(history, key=lambda entry: entry["test_accuracy"])  # the first of equals
    outcome.result |= {
        "status": "ok",
        **scores.summary(fold.labels[fold.rows["test"]], outcome.probabilities),
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
