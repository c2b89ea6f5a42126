"""Scores against scikit-learn's."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn import metrics

from workflow.training import scores


@pytest.fixture(scope="module")
def guesses():
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 7, 200)
    logits = draw.normal(size=(200, 7)).astype(np.float32)
    logits[np.arange(200), labels] += 0.7
    return labels, logits, softmax(logits.astype(np.float64), axis=1)


def test_summary_agrees_with_scikit_learn(guesses):
    labels, logits, probabilities = guesses
    found = scores.summary(labels, probabilities)
    predicted = logits.argmax(1)
    table = metrics.confusion_matrix(labels, predicted, labels=range(7))
    assert found["test_accuracy"] == metrics.accuracy_score(labels, predicted)
    assert found["test_macro_f1"] == pytest.approx(metrics.f1_score(labels, predicted, average="macro"), rel=1e-12)
    assert found["test_top5"] == metrics.top_k_accuracy_score(labels, probabilities, k=5)
    assert found["confusion"] == table.tolist()
    recalls = metrics.recall_score(labels, predicted, average=None)
    assert found["per_class_accuracy"] == pytest.approx(recalls, rel=1e-12)


def test_softmax_equals_scipy_bit_for_bit(guesses):
    _, logits, probabilities = guesses
    assert np.array_equal(scores.softmax(logits.astype(np.float64)), probabilities)


def test_a_class_without_test_clips_has_no_accuracy():
    found = scores.summary(np.array([0, 0]), np.array([[0.9, 0.05, 0.05], [0.2, 0.8, 0.0]]))
    assert found["per_class_accuracy"] == [0.5, None, None]
    assert found["test_macro_f1"] == pytest.approx((2 / 3 + 0) / 2)  # the absent third class does not enter


def test_top_five_of_four_classes_is_always_right():
    assert scores.summary(np.array([3]), np.array([[0.7, 0.2, 0.1, 0.0]]))["test_top5"] == 1.0


def test_the_epoch_is_chosen_by_accuracy_then_loss_then_order():
    pairs = [(0.5, 0.1), (0.75, 2.0), (0.75, 1.0), (0.75, 1.0), (0.25, 0.0)]
    history = [{"validation_accuracy": accuracy, "validation_loss": loss} for accuracy, loss in pairs]
    assert scores.chosen(history) is history[2]
    assert scores.chosen(history[:2]) is history[1]
    assert scores.chosen(history[:1]) is history[0]
