"""What the functions of training share: a run, its data and folders, and its results so far."""

import hashlib
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from baselines import FORMATS
from workflow.experiments import sources
from workflow.experiments.run import Run
from workflow.training import environment
from workflow.training.data import Fold


class Interruption:
    """SIGTERM and SIGINT ask a run to save and exit; the loop checks after every step.

    asked: number of the first signal that arrived, or None. worth_saving: whether there is something to save; until
    then any signal exits at once. Slurm sends SIGTERM twice within milliseconds when a job reaches its time limit, so a
    second one changes nothing. A second SIGINT, from an impatient user, exits at once.
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        self.worth_saving = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Handle both signals within the block."""
        before = {number: signal.signal(number, self._note) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: object) -> None:
        if not self.worth_saving or number == self.asked == signal.SIGINT:
            raise SystemExit(128 + number)
        self.asked = self.asked or number


@dataclass
class Job:
    """A run to train.

    output: folder of its record. checkpoints: folder that survives an interruption. checkpoint_seconds: time between
    two checkpoints; 0: one per epoch. interruption: the signals that arrived. environment and result: the fields of
    environment.json and result.json that are known. probabilities (n_test, C) and weights (arrays by name): empty if
    the run fails.
    """

    run: Run
    fold: Fold
    output: Path
    checkpoints: Path
    checkpoint_seconds: float = 30.0
    interruption: Interruption = field(default_factory=Interruption)
    environment: dict[str, Any] = field(default_factory=environment.capture)
    result: dict[str, Any] = field(default_factory=dict)
    probabilities: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    weights: dict[str, np.ndarray] = field(default_factory=dict)

    @cached_property
    def fingerprint(self) -> dict[str, Any]:
        """Return what must be unchanged for a run to resume: its specification, data and code."""
        modules = "workflow.training.run", FORMATS[self.run.recurrent["format"]].module  # no other format
        return {
            "specification": json.loads(json.dumps(self.run.plain)),
            "data": self.fold.data_digest,
            "split": self.fold.split_digest,
            "torch": self.environment["packages"]["torch"],
            "code": hashlib.sha256(sources.listing(*modules).encode()).hexdigest(),
        }
