"""Progress on a terminal and in a log."""

import sys

from workflow.training.progress import Progress

ENTRY = {"train_loss": 1.5, "train_accuracy": 0.25, "validation_accuracy": 0.5, "test_accuracy": 0.125}


def test_a_log_gets_ten_lines(capsys):
    bar = Progress("demo", 100, 0)
    for epoch in range(1, 101):
        bar.show(ENTRY | {"epoch": epoch})
    bar.close()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[-1] == "demo: epoch 100/100, loss 1.5000, accuracy train 0.250, validation 0.500, test 0.125"


def test_a_terminal_gets_one_bar(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    bar = Progress("demo", 4, 2)
    for epoch in (3, 4):
        bar.show(ENTRY | {"epoch": epoch})
    bar.close()
    shown = capsys.readouterr().err
    assert "demo: 100%" in shown
    assert "4/4" in shown
    assert "\n" not in shown.rstrip("\n")
