"""Progress of a run in a log."""

from training.conftest import specification
from training.one_run import start


def test_a_log_gets_ten_lines(data, tmp_path, capsys):
    assert start(specification("dense", epochs=20), data, tmp_path) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[-1].startswith("demo/pixels/dense/group/fold0/seed0: 20 of 20 epochs, ")
    for name in ("train_loss=", "train_accuracy=", "validation_accuracy=", "test_accuracy="):
        assert name in lines[-1]
