"""One run of a model that learns by epochs: made, resumed, trained, scored, recorded."""

import os
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save

from workflow.experiments.run import Run
from workflow.training import checkpoint, data, environment, model, optimiser, record, scores, seeds
from workflow.training.data import Fold
from workflow.training.errors import RunFailure
from workflow.training.feed import Feed
from workflow.training.graphs import GraphedStep
from workflow.training.interruption import watched
from workflow.training.loop import LOGITS, Loop
from workflow.training.progress import Progress
from workflow.training.step import Step
from workflow.training.stream import Stream


def run(
    run: Run,
    fold: Fold,
    output: Path,
    checkpoints: checkpoint.Checkpoints,
    base: dict[str, Any],
    captured: dict[str, Any],
    checkpoint_seconds: float,
) -> None:
    """Train and write the record to `output`. `base`: the fields of result.json that are known before; what is
    known when it fails is added there."""
    device = choose_device(run.training.device)
    if device.type == "cpu" and run.training.precision == "tf32":
        print("precision tf32 is a GPU's; a CPU computes in float32", file=sys.stderr)
        base["precision"] = "float32"
    switch_on_determinism(device, run.training.precision)
    base["device"] = environment.device_name(device)
    captured |= environment.of_torch(device) | {"seeds": seeds.all_of(run.folder)}
    fold = data.prepared(fold, run.recurrent["format"], run.training.normalisation)
    torch.manual_seed(seeds.derive(run.folder, "initialisation"))
    network = model.build(run, len(fold.classes)).to(device)
    adam = optimiser.build(network, run.training)
    kind = GraphedStep if device.type == "cuda" else Step
    step = kind(network, adam, run.training.gradient_norm, run.training.precision)
    with watched() as interruption:
        loop = Loop(run, fold, Feed(fold, device), step, checkpoints, interruption, checkpoint_seconds)
        if loop.resume():
            print(f"{run.folder}: going on after epoch {loop.state.epoch}", file=sys.stderr)
        try:
            _train(loop, output)
        finally:
            base |= _costs(loop)
        result, chances, weights = _finish(loop)
    captured["cuda_graph"] = isinstance(step, GraphedStep) and step.refused is None
    record.write(output, run, base | result, captured, fold, chances, weights)


def _train(loop: Loop, output: Path) -> None:
    stream = Stream(output / "metrics.jsonl", loop.state.history)
    bar = Progress(loop.name, loop.settings.epochs, loop.state.epoch)

    def show(entry: dict[str, Any]) -> None:
        stream.append(entry)
        bar.show(entry)

    try:
        loop.train(show)
    finally:
        bar.close()
        stream.close()


def _finish(loop: Loop) -> tuple[dict[str, Any], np.ndarray, bytes]:
    """Scores of the chosen epoch, its probabilities on the test clips, its weights."""
    epoch, kept = loop.best
    weights = {name: tensor.contiguous().cpu() for name, tensor in kept.items() if name != LOGITS}
    chances = scores.probabilities(kept[LOGITS].cpu().numpy())
    history = loop.state.history
    best = max(history, key=lambda entry: entry["test_accuracy"])  # the first of equals
    result = {
        "status": "ok",
        **scores.summary(loop.fold.labels[loop.fold.rows["test"]], chances),
        "best_epoch_accuracy": best["test_accuracy"],
        "best_test_epoch": best["epoch"],
        "best_epoch": epoch,
        "validation_accuracy": history[epoch - 1]["validation_accuracy"],
        "train_accuracy": history[-1]["train_accuracy"],
    }
    return result, chances, save(weights)


def _costs(loop: Loop) -> dict[str, Any]:
    state = loop.state
    if loop.feed.device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(loop.feed.device) / 2**20
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return {
        "epochs": len(state.history),
        "train_seconds": state.train_seconds,
        "step_ms": state.step_ms,
        "peak_memory_mb": peak,
        "interruptions": state.interruptions,
        "clips_at_a_time": loop.step.micro or loop.settings.batch_size,
    }


def choose_device(wanted: str) -> torch.device:
    """auto: a GPU where there is one. RunFailure where one was asked for and there is none."""
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise RunFailure("training.device is 'cuda', but this machine (or this job) has no usable GPU")
    return torch.device("cuda" if available and wanted != "cpu" else "cpu")


def switch_on_determinism(device: torch.device, precision: str) -> None:
    """The same specification gives the same bytes; environment.json repeats what is switched here.

    A CPU needs no switch: with the same number of threads its kernels add in the same order.
    """
    if device.type == "cuda":
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False
        torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
        torch.backends.cudnn.benchmark = False
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS starts, at the first product
