"""Scores of a classifier from its probabilities, in plain numpy, and the choice of an epoch. n clips, C classes."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def chosen(history: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the metrics.jsonl entry of the epoch chosen on validation.

    It has the highest accuracy; of equal ones the lowest loss; of equal ones it is the first.
    """
    return max(history, key=lambda entry: (entry["validation_accuracy"], -entry["validation_loss"]))


def summary(labels: np.ndarray, chances: np.ndarray) -> dict[str, Any]:
    """Return the fields of result.json about the test clips. labels (n,), chances (n, C).

    Top 5: equal probabilities rank by class index. Macro F1: the mean omits a class that neither occurs nor is
    predicted, as in scikit-learn.
    """
    n_classes = chances.shape[1]
    predicted = chances.argmax(axis=1)
    first_five = np.argsort(-chances, axis=1, kind="stable")[:, :5]
    confusion = np.bincount(labels * n_classes + predicted, minlength=n_classes**2).reshape(n_classes, n_classes)
    hits, occurs = np.diag(confusion), confusion.sum(axis=1)
    either = occurs + confusion.sum(axis=0)
    present = either > 0
    return {
        "test_accuracy": float((predicted == labels).mean()),
        "test_top5": float((first_five == labels[:, None]).any(axis=1).mean()),
        "test_macro_f1": float((2 * hits[present] / either[present]).mean()),
        "per_class_accuracy": [int(hit) / int(n) if n else None for hit, n in zip(hits, occurs, strict=True)],
        "confusion": confusion.tolist(),
    }
