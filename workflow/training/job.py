"""What travels through training: a run with its data and places, and the outcome that becomes its record."""

import hashlib
import json
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
from workflow.training.interruption import Interruption


@dataclass(frozen=True)
class Job:
    """A run to train.

    output: folder of its record. checkpoints: folder that survives an interruption. checkpoint_seconds: time between
    two checkpoints; 0: one per epoch. environment: the machine and the software, captured when the run started.
    interruption: the signals that arrived.
    """

    run: Run
    fold: Fold
    output: Path
    checkpoints: Path
    checkpoint_seconds: float = 30.0
    environment: dict[str, Any] = field(default_factory=environment.capture)
    interruption: Interruption = field(default_factory=Interruption)

    @cached_property
    def fingerprint(self) -> dict[str, Any]:
        """A run may resume only if its specification, data and code are unchanged."""
        modules = "workflow.training.run", FORMATS[self.run.recurrent["format"]].module  # and of no other format
        return {
            "specification": json.loads(json.dumps(self.run.plain)),
            "data": self.fold.data_digest,
            "split": self.fold.split_digest,
            "torch": self.environment["packages"]["torch"],
            "code": hashlib.sha256(sources.listing(*modules).encode()).hexdigest(),
        }


@dataclass
class Outcome:
    """What a run has found so far. result and environment: its fields of result.json and environment.json.
    probabilities (n_test, C) and weights (arrays by name): empty if it failed."""

    result: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    probabilities: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    weights: dict[str, np.ndarray] = field(default_factory=dict)
