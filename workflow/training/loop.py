"""Train a model over epochs: resume, take steps, score each epoch, keep the best weights, save checkpoints."""

import json
import math
import time
from collections.abc import Generator, Iterator
from statistics import median
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor
from torch.nn.functional import cross_entropy

from workflow.datasets.progress import bar
from workflow.storage import files
from workflow.storage.errors import sentence
from workflow.training import checkpoint, environment, model, scores
from workflow.training.errors import RunFailure, log
from workflow.training.feed import Feed, scored
from workflow.training.job import Job
from workflow.training.optimiser import learning_rate
from workflow.training.record import METRICS
from workflow.training.step import EXPLODED, GraphedStep, Step, build

LOGITS = "test_logits"  # kept with the best weights, so that predictions and metrics agree to the last bit
SHOWN = ("train_loss", "train_accuracy", "validation_accuracy", "test_accuracy")  # in the progress bar
SAVING_SHARE = 20  # train at least this many times longer than the last save took before saving again


def train(job: Job, keep: bool = False) -> Iterator[int]:
    """Train a model and score the epoch chosen on validation; the results go to `job`.

    Yield after each step and each scored batch: the number of epochs finished since the start.
    keep: leave a checkpoint of the trained run, from which the same results follow at once.
    Raise RunFailure if the device is missing, memory is too small or a number is not finite; `job` then holds the
    results up to the failure.
    """
    settings = job.run.training
    device, precision = environment.prepare(settings.device, settings.precision)
    job.result = {"device": environment.device_name(device), "precision": precision}
    job.environment |= environment.describe(device)
    torch.manual_seed(job.run.seeds["initialisation"])
    feed = Feed(job.fold, device)
    step = build(model.build(job.run, len(job.fold.classes)), settings, feed)
    step.alone = lambda: job.alone
    loop = Loop(job, step, feed, keep)
    job.interruption.worth_saving = True
    try:
        yield from loop.run()
    finally:
        job.result |= loop.costs()
    job.environment["cuda_graph"] = isinstance(step, GraphedStep) and step.refused is None


class Loop:
    """Training of one run. `state.best` holds the weights and LOGITS of the epoch chosen on validation; without a
    validation part, of the last."""

    def __init__(self, job: Job, step: Step, feed: Feed, keep: bool):
        self.job, self.name, self.settings, self.fold, self.step = job, job.run.folder, job.run.training, job.fold, step
        self.feed = feed
        self.fingerprint = job.fingerprint | {"device": step.device.type}
        self._scored, step.clips["scoring"] = scored(self.fold, self.settings.batch_size)
        self._parts = [len(self.fold.rows[part]) for part in ("validation", "test")]
        self._labels = torch.from_numpy(self.fold.labels)[torch.cat(self._scored)].to(step.device)
        self.state, self.keep = checkpoint.State(), keep
        self._saved = time.monotonic()
        self._saving = 0.0  # seconds that the last save took

    def run(self) -> Iterator[int]:
        """Train to the end, with a line of metrics.jsonl for each epoch, and add scores and weights to the job."""
        self.resume()
        path, state, done, begun = self.job.output / METRICS, self.state, self.finished(), self.state.epoch
        files.write_text(path, "".join(map(_line, state.history)))  # drops epochs after the checkpoint
        with bar(self.name, self.settings.epochs, " epochs", state.epoch) as progress, path.open("a") as metrics:
            while not self.finished():
                for _ in self.epoch():
                    self._leave_if_asked()
                    yield state.epoch - begun
                entry = state.history[-1]
                metrics.write(_line(entry))
                metrics.flush()
                shown = {name: f"{entry[name]:.3f}" for name in SHOWN if entry[name] is not None}
                progress.set_postfix(shown, refresh=False)
                progress.update()
                self._save_if_due()
        if self.keep and not done:
            self.save(flush=True)
        job, history = self.job, state.history
        job.weights = {name: tensor.contiguous().cpu().numpy() for name, tensor in state.best.items()}
        job.probabilities = scores.softmax(job.weights.pop(LOGITS).astype(np.float64))
        chosen = scores.chosen(history)
        validated = chosen["validation_accuracy"] is not None
        best = max(history, key=lambda entry: entry["test_accuracy"])  # the first of equals
        job.result |= {
            "status": "ok",
            **scores.summary(self.fold.labels[self.fold.rows["test"]], job.probabilities),
            **({} if validated else {"test_accuracy": None}),
            "final_epoch_accuracy": history[-1]["test_accuracy"],
            "best_epoch_accuracy": best["test_accuracy"],
            "best_test_epoch": best["epoch"],
            "best_epoch": chosen["epoch"] if validated else None,
            "validation_accuracy": chosen["validation_accuracy"],
            "train_accuracy": history[-1]["train_accuracy"],
        }

    def costs(self) -> dict[str, Any]:
        on_gpu, state = self.step.device.type == "cuda", self.state
        peak = torch.cuda.max_memory_allocated(self.step.device) / 2**20 if on_gpu else environment.peak_memory_mb()
        return {
            "epochs": state.epoch,
            "train_seconds": state.seconds + sum(entry["seconds"] for entry in state.history),
            "step_ms": median(entry["step_ms"] for entry in state.history) if state.history else None,
            "peak_memory_mb": peak,
            "interruptions": state.interruptions,
            "clips_at_a_time": self.step.clips["training"],
            "side_by_side": self.job.side_by_side,
        }

    def finished(self) -> bool:
        """Return whether all `epochs` are done, or validation accuracy has not improved for `patience` of them."""
        history, last = self.state.history, self.settings.epochs
        if history and self.settings.patience is not None and len(self.fold.rows["validation"]):
            improved = max(history, key=lambda entry: entry["validation_accuracy"])["epoch"]  # the first of equals
            last = min(last, improved + self.settings.patience)
        return len(history) >= last

    def epoch(self) -> Iterator[None]:
        """Train and score an epoch; add its metrics.jsonl entry to the history. Raise RunFailure if it explodes."""
        state, number = self.state, self.state.epoch + 1
        began = time.perf_counter() - state.seconds
        steps = yield from self.train_epoch()
        loss, hits, exploded = self.step.totals()  # the first time in the epoch that waits for the device
        trained = time.perf_counter() - began
        if exploded is not None:
            raise RunFailure(
                f"the loss or the gradient is not finite or above {EXPLODED:g} at step {exploded} of epoch "
                f"{number}; lower the learning rate"
            )
        found, logits = yield from self._score()
        entry = {
            "epoch": number,
            "train_loss": loss / len(self.fold.rows["train"]),
            "train_accuracy": hits / len(self.fold.rows["train"]),
            **found,
            "learning_rate": learning_rate(self.settings, number, state.epoch * steps),
            "step_ms": 1e3 * trained / steps,
            "seconds": time.perf_counter() - began,
        }
        state.history.append(entry)
        state.position, state.seconds = 0, 0.0
        self.step.log.clear()
        if scores.chosen(state.history) is entry:
            weights = {name: tensor.clone() for name, tensor in self.step.model.state_dict().items()}
            state.best = {LOGITS: logits, **weights}
        yield

    def train_epoch(self) -> Generator[None, None, int]:
        """Take the remaining steps of the current epoch; return the number of its steps."""
        state, number = self.state, self.state.epoch + 1
        order = np.random.default_rng([self.job.run.seeds["order"], number]).permutation(self.fold.rows["train"])
        chunks = list(torch.from_numpy(order).split(self.settings.batch_size))
        began = time.perf_counter() - state.seconds
        for rows in self.feed.rows(chunks[state.position :]):
            self.step.optimiser.set_rate(
                learning_rate(self.settings, number, state.epoch * len(chunks) + state.position)
            )
            self.step(rows)
            state.position += 1
            state.seconds = time.perf_counter() - began
            yield
        return len(chunks)

    def _score(self) -> Generator[None, None, tuple[dict[str, float | None], Tensor]]:
        """Return loss and accuracy on validation and test clips, and the logits (n, C) of the test clips.

        They are None for an empty validation part. Raise RunFailure if a loss is not finite.
        """
        logits = []
        for rows in self.feed.rows(self._scored):
            logits.append(self.step.logits(rows))
            yield
        measured, parts = {}, zip(torch.cat(logits).split(self._parts), self._labels.split(self._parts), strict=True)
        for name, (outputs, labels) in zip(("validation", "test"), parts, strict=True):
            if len(labels):
                measured[f"{name}_loss"] = cross_entropy(outputs.double(), labels)
                measured[f"{name}_accuracy"] = (outputs.argmax(1) == labels).double().sum()
        values = torch.stack(list(measured.values())).tolist()  # waits for the device, once
        found = dict(zip(measured, values, strict=True))
        for name, number in zip(("validation", "test"), self._parts, strict=True):
            if number and not math.isfinite(found[f"{name}_loss"]):
                raise RunFailure(f"the loss on {name} clips is not finite after epoch {self.state.epoch + 1}")
            if number:  # divided here: a GPU would multiply by 1 / number, which is not always the same
                found[f"{name}_accuracy"] /= number
        return dict.fromkeys(("validation_loss", "validation_accuracy")) | found, outputs

    def resume(self) -> None:
        """Load the newest checkpoint, if there is one."""
        if found := checkpoint.load(self.job.checkpoints, self.fingerprint, self.step):
            self.state = found
            self.job.environment["threads"] = torch.get_num_threads()  # those of the checkpoint
            if not self.finished():
                log(f"{self.name}: resuming after epoch {found.epoch}")
                found.interruptions += 1
        else:
            torch.manual_seed(self.job.run.seeds["dropout"])

    def _leave_if_asked(self) -> None:
        if self.job.interruption.asked is not None:
            saved = self.save(flush=False)  # the operating system writes it to disk after this process has ended
            after = f"resumes from {self.job.checkpoints}" if saved else "repeats what no checkpoint holds"
            log(f"interrupted; the next start {after}")
            raise SystemExit(128 + self.job.interruption.asked)

    def _save_if_due(self) -> None:
        pause = self.job.checkpoint_seconds
        if pause == 0 or time.monotonic() - self._saved >= max(pause, SAVING_SHARE * self._saving):
            self.save(flush=True)

    def save(self, flush: bool) -> bool:
        """Return whether a checkpoint could be written."""
        began, saved = time.monotonic(), True
        try:
            checkpoint.save(self.job.checkpoints, self.fingerprint, self.state, self.step, flush)
        except (OSError, SafetensorError) as error:  # for example a full disk: the run can still finish
            log(f"could not write a checkpoint to {self.job.checkpoints}: {sentence(error)}")
            saved = False
        self._saved = time.monotonic()
        self._saving = self._saved - began
        return saved


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, allow_nan=False) + "\n"
