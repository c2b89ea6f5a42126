"""What the functions of training share: a run, its data and folders, and its results so far."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from workflow.experiments.record import Keep
from workflow.experiments.run import Run
from workflow.training import environment
from workflow.training.data import Fold
from workflow.training.errors import RunFailure, out_of_memory


class Interruption:
    """SIGTERM, SIGUSR1 and SIGINT ask a run to save and exit; the loop checks after every step.

    asked: number of the first signal that arrived, or None. worth_saving: whether there is something to save; until
    then any signal exits at once. Slurm sends SIGTERM twice within milliseconds when a job reaches its time limit, so a
    second one changes nothing. A second SIGINT, from an impatient user, exits at once.
    """

    SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)

    def __init__(self) -> None:
        self.asked: int | None = None
        self.worth_saving = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Handle the signals within the block."""
        before = {number: signal.signal(number, self._note) for number in self.SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def leave_if_asked(self) -> None:
        """Exit if a signal has arrived: a run has ended, so nothing is left to save."""
        self.worth_saving = False
        if self.asked is not None:
            raise SystemExit(128 + self.asked)

    def _note(self, number: int, frame: object) -> None:
        if number == self.asked == signal.SIGINT:
            self.worth_saving = False
        if not self.worth_saving:
            raise SystemExit(128 + number)
        self.asked = self.asked or number


@dataclass
class Job:
    """A run to train.

    output: folder of its record. checkpoints: folder that survives an interruption. code: digest of the code that
    trains it. checkpoint_seconds: time between two checkpoints; 0: one per epoch. interruption: the signals that
    arrived. environment and result: the fields of environment.json and result.json that are known. probabilities
    (n_test, C) and weights (arrays by name): empty if the run fails. keep_weights: which of them the record gets.
    side_by_side: the largest number of runs that took turns with this one. alone: whether none does now.
    """

    run: Run
    fold: Fold
    output: Path
    checkpoints: Path
    code: str
    checkpoint_seconds: float
    interruption: Interruption = field(default_factory=Interruption)
    environment: dict[str, Any] = field(default_factory=environment.capture)
    result: dict[str, Any] = field(default_factory=dict)
    probabilities: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    weights: dict[str, np.ndarray] = field(default_factory=dict)
    keep_weights: Keep = "all"
    side_by_side: int = 1
    alone: bool = True

    @contextmanager
    def fits(self) -> Iterator[None]:
        """Raise RunFailure if memory runs out within the block, unless other runs of this process use memory, too."""
        try:
            yield
        except (MemoryError, RuntimeError) as error:
            if not (self.alone and out_of_memory(error)):
                raise
            raise RunFailure("out of memory: the model and its clips do not fit") from error

    @property
    def fingerprint(self) -> dict[str, Any]:
        """Return what must be unchanged for a run to resume: its specification, data and code."""
        return {
            "specification": json.loads(json.dumps(self.run.plain)),
            "data": self.fold.data_digest,
            "split": self.fold.split_digest,
            "torch": self.environment["packages"]["torch"],
            "code": self.code,
        }
