"""Accuracy, top 5, F1 and confusion from class probabilities (n clips, C classes); choice of the best epoch."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def chosen(history: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the entry of `history` (metrics.jsonl) of best validation accuracy; ties: lower loss, then first.

    Without a validation part, return the last.
    """
    if history[-1]["validation_accuracy"] is None:
        return history[-1]
    return max(history, key=lambda entry: (entry["validation_accuracy"], -entry["validation_loss"]))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the probabilities (n, C). The same bits as scipy.special.softmax, which takes long to import."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def summary(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    """Return the test scores for result.json. labels (n,): class indices. probabilities (n, C).

    Top 5: ties go to the lower class index. Macro F1: classes neither present nor predicted are left out of the mean,
    as in scikit-learn.
    """
    n_classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    first_five = np.argsort(-probabilities, axis=1, kind="stable")[:, :5]
    confusion = np.bincount(labels * n_classes + predicted, minlength=n_classes**2).reshape(n_classes, n_classes)
    correct, actual = np.diag(confusion), confusion.sum(axis=1)
    actual_plus_predicted = actual + confusion.sum(axis=0)
    present = actual_plus_predicted > 0
    return {
        "test_accuracy": float((predicted == labels).mean()),
        "test_top5": float((first_five == labels[:, None]).any(axis=1).mean()),
        "test_macro_f1": float((2 * correct[present] / actual_plus_predicted[present]).mean()),
        "per_class_accuracy": [int(hits) / int(n) if n else None for hits, n in zip(correct, actual, strict=True)],
        "confusion": confusion.tolist(),
    }
