"""Train a model over epochs: resume, take steps, score each epoch, keep the best weights, save checkpoints."""

import json
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from scipy.special import softmax
from torch import Tensor
from torch.nn.functional import cross_entropy

from workflow.datasets.progress import bar
from workflow.storage import files
from workflow.training import checkpoint, environment, optimiser, scores
from workflow.training.data import Fold, prepared
from workflow.training.errors import RunFailure, halving, log
from workflow.training.feed import Feed
from workflow.training.graphs import GraphedStep, build
from workflow.training.job import Job
from workflow.training.record import METRICS
from workflow.training.step import EXPLODED, Step, StepTimer

LOGITS = "test_logits"  # kept with the best weights, so that predictions and metrics agree to the last bit
EVALUATED_FRAMES = 1024  # at a time, but at least as many clips as in a training batch
GRACE = 3.0  # seconds that a save may take after a signal: a scheduler soon kills the process
SHOWN = ("train_loss", "train_accuracy", "validation_accuracy", "test_accuracy")  # in the progress bar
SAVING_SHARE = 20  # train at least this many times longer than the last save took before saving again


def train(job: Job) -> None:
    """Train a model and score the epoch chosen on validation; the results go to `job`.

    Raise RunFailure if the device is missing, memory is too small or a number is not finite; `job` then holds the
    results up to the failure.
    """
    settings = job.run.training
    device, precision = environment.prepare(settings.device, settings.precision)
    job.result = {"device": environment.device_name(device), "precision": precision}
    job.environment |= environment.describe(device)
    torch.manual_seed(job.run.seeds["initialisation"])
    step = build(job.run, len(job.fold.classes), device)
    loop = Loop(job, prepared(job.fold, job.run), step)
    job.interruption.worth_saving = True
    try:
        loop.run()
    finally:
        job.result |= loop.costs()
    job.environment["cuda_graph"] = isinstance(step, GraphedStep) and step.refused is None


class Loop:
    """Training of one run. `fold`: its data as the model receives them. `state.best` holds the weights and LOGITS of
    the epoch chosen on validation."""

    def __init__(self, job: Job, fold: Fold, step: Step):
        self.job, self.name, self.settings, self.fold, self.step = job, job.run.folder, job.run.training, fold, step
        self.feed = Feed(fold, step.device)
        self.timer = StepTimer(step.device)
        self.state = checkpoint.State(max(self.settings.batch_size, EVALUATED_FRAMES // fold.clips.shape[1]))
        self._epoch_began = 0.0
        self._saved = time.monotonic()
        self._saving = 0.0  # seconds that the last save took

    def run(self) -> None:
        """Train to the end, with a line of metrics.jsonl for each epoch, and add scores and weights to the job."""
        self.resume()
        path, epochs = self.job.output / METRICS, self.settings.epochs
        files.write_text(path, "".join(map(_line, self.state.history)))  # drops epochs after the checkpoint
        with bar(self.name, epochs, " epochs", self.state.epoch) as progress, path.open("a") as metrics:
            for entry in self.epochs():
                metrics.write(_line(entry))
                metrics.flush()
                progress.set_postfix({name: f"{entry[name]:.3f}" for name in SHOWN}, refresh=False)
                progress.update()
        job, history = self.job, self.state.history
        job.weights = {name: tensor.contiguous().cpu().numpy() for name, tensor in self.state.best.items()}
        job.probabilities = softmax(job.weights.pop(LOGITS).astype(np.float64), axis=1)
        chosen = scores.chosen(history)
        best = max(history, key=lambda entry: entry["test_accuracy"])  # the first of equals
        job.result |= {
            "status": "ok",
            **scores.summary(self.fold.labels[self.fold.rows["test"]], job.probabilities),
            "best_epoch_accuracy": best["test_accuracy"],
            "best_test_epoch": best["epoch"],
            "best_epoch": chosen["epoch"],
            "validation_accuracy": chosen["validation_accuracy"],
            "train_accuracy": history[-1]["train_accuracy"],
        }

    def costs(self) -> dict[str, Any]:
        on_gpu, state = self.step.device.type == "cuda", self.state
        peak = torch.cuda.max_memory_allocated(self.step.device) / 2**20 if on_gpu else environment.peak_memory_mb()
        return {
            "epochs": state.epoch,
            "train_seconds": state.seconds + sum(entry["seconds"] for entry in state.history),
            "step_ms": state.step_ms,
            "peak_memory_mb": peak,
            "interruptions": state.interruptions,
            "clips_at_a_time": self.step.micro or self.settings.batch_size,
        }

    def epochs(self) -> Iterator[dict[str, Any]]:
        """Train and yield the metrics.jsonl entry of each epoch.

        End after `epochs`, or when validation accuracy has not improved for `patience` epochs.
        """
        while not self.finished():
            self._epoch_began = time.perf_counter() - self.state.seconds
            self.train_epoch()
            entry, logits = self._score_epoch()
            self.state.history.append(entry)
            self.state.position, self.state.seconds = 0, 0.0
            if scores.chosen(self.state.history) is entry:
                weights = {name: tensor.clone() for name, tensor in self.step.model.state_dict().items()}
                self.state.best = {LOGITS: logits, **weights}
            yield entry
            self.step.begin_epoch()
            self._save_if_due()

    def finished(self) -> bool:
        history, patience = self.state.history, self.settings.patience
        if not history or patience is None:
            return len(history) >= self.settings.epochs
        improved = max(history, key=lambda entry: entry["validation_accuracy"])["epoch"]  # the first of equals
        return len(history) >= min(self.settings.epochs, improved + patience)

    def train_epoch(self) -> None:
        """Take the remaining steps of the current epoch."""
        epoch = self.state.epoch + 1
        optimiser.set_rate(self.step.optimiser, optimiser.learning_rate(self.settings, epoch))
        order = np.random.default_rng([self.job.run.seeds["order"], epoch]).permutation(self.fold.rows["train"])
        chunks = list(torch.from_numpy(order).split(self.settings.batch_size))
        self.timer.tick()
        for batch in self.feed.batches(chunks[self.state.position :]):
            self.step(batch)
            self.timer.tick()
            self.state.position += 1
            self._leave_if_asked()
        self.state.step_ms = self.timer.median_ms() or self.state.step_ms

    def _score_epoch(self) -> tuple[dict[str, Any], Tensor]:
        """Return the metrics.jsonl entry and the logits of the test clips. Raise RunFailure if one is not finite."""
        parts = [torch.from_numpy(self.fold.rows[part]) for part in ("validation", "test")]
        logits = self._evaluate(torch.cat(parts)).split([len(rows) for rows in parts])
        found = []
        for rows, outputs in zip(parts, logits, strict=True):
            labels = torch.from_numpy(self.fold.labels)[rows].to(self.step.device)
            accuracy = (outputs.argmax(1) == labels).double().mean()
            found += [cross_entropy(outputs.double(), labels), accuracy]
        loss, hits, exploded = self.step.totals()  # the first time in the epoch that waits for the device
        numbers = torch.stack(found).tolist()
        epoch, count = self.state.epoch + 1, len(self.fold.rows["train"])
        if exploded is not None:
            raise RunFailure(
                f"the loss or the gradient is not finite or above {EXPLODED:g} at step {exploded} of epoch "
                f"{epoch}; lower the learning rate"
            )
        if not np.isfinite(numbers).all():
            raise RunFailure(f"the loss on validation or test clips is not finite after epoch {epoch}")
        names = ("validation_loss", "validation_accuracy", "test_loss", "test_accuracy")
        entry = {
            "epoch": epoch,
            "train_loss": loss / count,
            "train_accuracy": hits / count,
            **dict(zip(names, numbers, strict=True)),
            "learning_rate": optimiser.learning_rate(self.settings, epoch),
            "seconds": time.perf_counter() - self._epoch_began,
        }
        return entry, logits[1]

    def _evaluate(self, rows: Tensor) -> Tensor:
        """Return the logits (n, C) of the clips `rows`, in smaller batches after memory has run out."""

        def work(size: int) -> Tensor:
            return self.step.logits(self.feed.batches(list(rows.split(size))), self._leave_if_asked)

        logits, self.state.evaluation_size = halving(work, self.state.evaluation_size, "scoring")
        return logits

    def resume(self) -> None:
        """Load the newest checkpoint, if there is one."""
        found = checkpoint.load(self.job.checkpoints, self.job.fingerprint, self.step)
        if found is None:
            torch.manual_seed(self.job.run.seeds["dropout"])
            return
        log(f"{self.name}: resuming after epoch {found.epoch}")
        self.state = found
        self.state.interruptions += 1
        self.step.micro = self.state.micro
        if self.state.threads != torch.get_num_threads():  # sums would round differently
            log(f"resuming with {self.state.threads} threads, as the run began")
            torch.set_num_threads(self.state.threads)

    def _leave_if_asked(self) -> None:
        if self.job.interruption.asked is not None:
            if self._saving <= GRACE:
                self.state.seconds = time.perf_counter() - self._epoch_began
                self.save(flush=False)  # the operating system writes it to disk after this process has ended
            else:
                log(f"not enough time to save again (the last checkpoint took {self._saving:.1f} s); keeping that one")
            log(f"interrupted; the next start resumes from {self.job.checkpoints}")
            raise SystemExit(128 + self.job.interruption.asked)

    def _save_if_due(self) -> None:
        pause = self.job.checkpoint_seconds
        if pause == 0 or time.monotonic() - self._saved >= max(pause, SAVING_SHARE * self._saving):
            self.save(flush=True)

    def save(self, flush: bool) -> None:
        began = time.monotonic()
        self.state.micro, self.state.threads = self.step.micro, torch.get_num_threads()
        try:
            checkpoint.save(self.job.checkpoints, self.job.fingerprint, self.state, self.step, flush)
        except (OSError, SafetensorError) as error:  # for example a full disk: the run can still finish
            log(f"could not write a checkpoint to {self.job.checkpoints}: {error}; training continues")
        self._saved = time.monotonic()
        self._saving = self._saved - began


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, allow_nan=False) + "\n"
