"""What travels through training: a run, its data and places, and what it has found so far."""

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
        """A run may resume only if its specification, data and code are unchanged."""
        modules = "workflow.training.run", FORMATS[self.run.recurrent["format"]].module  # and of no other format
        return {
            "specification": json.loads(json.dumps(self.run.plain)),
            "data": self.fold.data_digest,
            "split": self.fold.split_digest,
            "torch": self.environment["packages"]["torch"],
            "code": hashlib.sha256(sources.listing(*modules).encode()).hexdigest(),
        }
