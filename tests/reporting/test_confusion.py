"""The confusion figure: what it counts, and the names of its classes."""

from workflow.reporting.figures import FIGURES, confusion


def test_confusion_counts_every_prediction_once(results):
    matrix, runs = confusion.counts(results, "demo", "pixels", "fdht_lstm", "group")
    assert runs == 6
    assert matrix.sum(axis=1).tolist() == [24 * 6 / 8] * 8


def test_numbered_classes_are_named_in_the_caption(shipped, results):
    assert "Classes: 0 basketball, 1 biking, 2 diving, 3 golf swing," in FIGURES["confusion"].drawing(shipped).text
    assert "Classes" not in FIGURES["confusion"].drawing(results).text  # the panels have the names
