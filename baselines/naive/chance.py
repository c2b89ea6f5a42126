"""`chance`: always the most frequent class of the training part, whatever the clip shows."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from baselines._declaration import Fitted


@dataclass(frozen=True)
class Prior:
    """A classifier as scikit-learn's that knows the share of each class (C,) in the training part."""

    shares: np.ndarray

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Return the shares once for each row of x, (n, C)."""
        return np.tile(self.shares, (len(x), 1))

    def score(self, x: np.ndarray, y: np.ndarray) -> float:
        """Return the accuracy on labels (n,)."""
        return float(np.mean(y == self.shares.argmax()))


def declare(input_size: int) -> Fitted:
    return Fitted()


def fit(x: np.ndarray, y: np.ndarray, validation_x: np.ndarray, validation_y: np.ndarray) -> tuple[Any, dict]:
    prior = Prior(np.bincount(y) / len(y))
    return prior, {"prior": prior.shares.astype(np.float32)}


def restore(weights: dict[str, np.ndarray]) -> Any:
    return Prior(weights["prior"])
