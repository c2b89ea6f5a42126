"""The training loop: epochs of steps, scores after each, the best weights kept, the state saved now and then."""

import time
from collections.abc import Callable

import numpy as np
import torch
from safetensors import SafetensorError

from workflow.experiments.run import Run
from workflow.training import evaluation, seeds
from workflow.training import state as states
from workflow.training.checkpoint import Checkpoints, say
from workflow.training.data import Fold
from workflow.training.errors import Interrupted, RunFailure, out_of_memory
from workflow.training.feed import Feed
from workflow.training.interruption import Interruption
from workflow.training.optimiser import learning_rate
from workflow.training.state import State, Tensors
from workflow.training.step import EXPLODED, Step
from workflow.training.timing import StepTimer

Show = Callable[[dict], None]
LOGITS = "test_logits"  # kept beside the best weights, so that predictions and metrics agree to the last bit
GRACE = 3.0  # seconds that a save may take when the run was told to leave: a scheduler kills what lingers
SAVING_SHARE = 20  # between two checkpoints at least this many times what the last one took


class Loop:
    """One run. After `train`, `best` is the epoch chosen on validation with its weights and LOGITS."""

    def __init__(
        self,
        run: Run,
        fold: Fold,
        feed: Feed,
        step: Step,
        checkpoints: Checkpoints,
        interruption: Interruption,
        checkpoint_seconds: float,
    ):
        self.name, self.settings, self.fold = run.folder, run.training, fold
        self.feed, self.step, self.checkpoints, self.interruption = feed, step, checkpoints, interruption
        self.checkpoint_seconds = checkpoint_seconds
        self.timer = StepTimer(feed.device)
        self.state = State(evaluation_size=evaluation.batch_size(self.settings.batch_size, fold.clips.shape[1]))
        self.best: tuple[int, Tensors] | None = None
        self._saved = time.monotonic()
        self._saving = 0.0

    def resume(self) -> bool:
        """Take over the newest checkpoint; whether there was one."""
        if (found := self.checkpoints.load()) is None:
            torch.manual_seed(seeds.derive(self.name, "dropout"))
            return False
        plain, tensors, self.best = found
        self.state = states.from_plain(plain)
        self.state.interruptions += 1
        self.step.micro = self.state.micro
        if self.state.threads not in (None, torch.get_num_threads()):  # sums would round differently
            say(f"going on with {self.state.threads} threads, as begun")
            torch.set_num_threads(self.state.threads)
        states.unpack(tensors, self.step)
        if self.best is not None:
            self.best = self.best[0], {name: t.to(self.feed.device) for name, t in self.best[1].items()}
        return True

    def train(self, show: Show) -> None:
        """Up to `epochs`, or until validation has not improved for `patience` epochs."""
        while not self.finished():
            began = time.perf_counter() - self.state.seconds
            self.train_epoch(began)
            entry, logits = self._score(began)
            self.state.epoch, self.state.position, self.state.seconds = entry["epoch"], 0, 0.0
            self.state.history.append(entry)
            if self.state.choose(entry):
                weights = {name: tensor.clone() for name, tensor in self.step.model.state_dict().items()}
                self.best = entry["epoch"], {LOGITS: logits, **weights}
            show(entry)
            if not self.finished():
                self.step.begin_epoch()
            self._save_now_and_then()

    def finished(self) -> bool:
        waited = self.state.epoch - self.state.improved
        return self.state.epoch >= self.settings.epochs or waited >= (self.settings.patience or np.inf)

    def train_epoch(self, began: float) -> None:
        epoch = self.state.epoch + 1
        self.step.optimiser.set_rate(learning_rate(self.settings, epoch))
        order = np.random.default_rng([seeds.derive(self.name, "order"), epoch]).permutation(self.fold.rows["train"])
        chunks = list(torch.from_numpy(order).split(self.settings.batch_size))
        self.timer.tick()
        for batch in self.feed.batches(chunks[self.state.position :]):
            self.step(batch)
            self.timer.tick()
            self.state.position += 1
            self._leave_if_asked(began)
        self.timer.collect()
        self.state.step_ms = self.timer.median_ms() or self.state.step_ms

    def _score(self, began: float) -> tuple[dict, torch.Tensor]:
        """The line of metrics.jsonl of this epoch, and the logits of the test clips.

        RunFailure where a number is not finite.
        """
        rows = {part: torch.from_numpy(self.fold.rows[part]) for part in ("validation", "test")}
        outputs = self._evaluate(torch.cat(list(rows.values())), began)
        split = outputs.split([len(part) for part in rows.values()])
        scores = []
        for part, logits in zip(rows, split, strict=True):
            labels = torch.from_numpy(self.fold.labels[self.fold.rows[part]]).to(self.feed.device)
            scores.append(evaluation.loss_and_accuracy(logits, labels))
        totals = self.step.totals()  # the first wait of the epoch
        validation, test = torch.stack(scores).cpu()
        epoch, count = self.state.epoch + 1, len(self.fold.rows["train"])
        if totals.exploded is not None:
            raise RunFailure(
                f"the loss or the gradient is not finite or above {EXPLODED:g} at step {totals.exploded} of epoch "
                f"{epoch}; lower the learning rate"
            )
        if not torch.isfinite(torch.cat([validation, test])).all():
            raise RunFailure(f"the loss on validation or test clips is not finite after epoch {epoch}")
        entry = {
            "epoch": epoch,
            "train_loss": totals.loss / count,
            "train_accuracy": totals.hits / count,
            "validation_loss": validation[0].item(),
            "validation_accuracy": validation[1].item(),
            "test_loss": test[0].item(),
            "test_accuracy": test[1].item(),
            "learning_rate": learning_rate(self.settings, epoch),
            "seconds": time.perf_counter() - began,
        }
        return entry, split[1]

    def _evaluate(self, rows: torch.Tensor, began: float) -> torch.Tensor:
        """(n, C) logits of the clips `rows`, in smaller batches from where memory runs out."""
        model, precision = self.step.model, self.settings.precision
        while True:
            size = self.state.evaluation_size
            try:
                return evaluation.logits(model, self.feed, rows, size, precision, lambda: self._leave_if_asked(began))
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
                if size == 1:
                    raise RunFailure("out of memory when a single clip is scored") from None
            self.state.evaluation_size = size // 2
            say(f"out of memory: from here on {size // 2} clips at a time are scored")

    def _leave_if_asked(self, began: float) -> None:
        if self.interruption.asked is not None:
            if self._saving <= GRACE:
                self.state.seconds = time.perf_counter() - began
                self.save(flush=False)  # the system writes it out after this process is gone
            else:
                say(f"no time for another checkpoint: the last took {self._saving:.1f} s; it stands")
            raise Interrupted(self.interruption.asked)

    def _save_now_and_then(self) -> None:
        pause = max(self.checkpoint_seconds, SAVING_SHARE * self._saving)
        if self.checkpoint_seconds == 0 or time.monotonic() - self._saved >= pause:
            self.save(flush=True)

    def save(self, flush: bool) -> None:
        began = time.monotonic()
        self.state.micro, self.state.threads = self.step.micro, torch.get_num_threads()
        try:
            self.checkpoints.save(states.plain(self.state), states.pack(self.step), self.best, flush)
        except (OSError, SafetensorError) as error:  # a full disk costs the checkpoint, not the run
            say(f"no checkpoint could be written to {self.checkpoints.folder}: {error}; training goes on")
        self._saved = time.monotonic()
        self._saving = self._saved - began
