"""Scores of a classifier from its probabilities, in plain numpy, and the choice of an epoch. n clips, C classes."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis of (n, C), in float64."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def confusion(labels: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """(C, C) counts of clips by true class (row) and predicted class (column)."""
    return np.bincount(labels * n_classes + predicted, minlength=n_classes**2).reshape(n_classes, n_classes)


def top_k(labels: np.ndarray, chances: np.ndarray, k: int = 5) -> float:
    """Share of clips whose class is among the k most probable (ties: the lower index first)."""
    order = np.argsort(-chances, axis=1, kind="stable")[:, :k]
    return float((order == labels[:, None]).any(axis=1).mean())


def macro_f1(table: np.ndarray) -> float:
    """Mean over the classes of the harmonic mean of precision and recall.

    A class that neither occurs nor is predicted is left out of the mean, as in scikit-learn.
    """
    hits, occurs, predicted = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    present = (occurs + predicted) > 0
    return float((2 * hits[present] / (occurs + predicted)[present]).mean())


def chosen(history: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The line of metrics.jsonl of the epoch chosen on validation: the highest accuracy, then the lowest loss, then
    the first."""
    return max(history, key=lambda entry: (entry["validation_accuracy"], -entry["validation_loss"]))


def summary(labels: np.ndarray, chances: np.ndarray) -> dict[str, Any]:
    """The fields of result.json about the test clips. labels (n,), chances (n, C)."""
    n_classes = chances.shape[1]
    predicted = chances.argmax(axis=1)
    table = confusion(labels, predicted, n_classes)
    occurs = table.sum(axis=1)
    per_class = [int(hit) / int(n) if n else None for hit, n in zip(np.diag(table), occurs, strict=True)]
    return {
        "test_accuracy": float((predicted == labels).mean()),
        "test_top5": top_k(labels, chances),
        "test_macro_f1": macro_f1(table),
        "per_class_accuracy": per_class,
        "confusion": table.tolist(),
    }
