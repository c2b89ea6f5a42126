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
        return {
            "specification": json.loads(json.dumps(self.run.plain)),
            "data": self.fold.data_digest,
            "split": self.fold.split_digest,
            "torch": self.environment["packages"]["torch"],
            "code": hashlib.sha256(sources.listing(*modules(self.run)).encode()).hexdigest(),
        }


@dataclass(frozen=True)
class Outcome:
    """What a run found. result and environment: its fields of result.json and environment.json. probabilities
    (n_test, C) and weights (arrays by name): None and empty if it failed."""

    result: dict[str, Any]
    environment: dict[str, Any] = field(default_factory=dict)
    probabilities: np.ndarray | None = None
    weights: dict[str, np.ndarray] = field(default_factory=dict)


def modules(run: Run) -> tuple[str, str]:
    """The modules that a run executes; files of other formats are not among their imports."""
    return "workflow.training.run", FORMATS[run.recurrent["format"]].module


def failed(reason: Exception) -> dict[str, Any]:
    """Fields of result.json of a run that failed."""
    return {"status": "failed", "failure": str(reason)}
