"""The benchmark of the training loop runs and writes its rows; its speeds are not tested."""

import csv

from benchmarks import training
from workflow.storage.command_line import call


def test_three_implementations_of_one_model(tmp_path):
    path = tmp_path / "new/training.csv"
    call(training.main, ["--model", "thumbnail_lstm", "--repetitions", "1", "--output", path])
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["implementation"] for row in rows] == ["ours", "plain", "bare"]
    assert float(rows[2]["overhead"]) == 0
    for row in rows:
        assert float(row["epochs_per_s"]) > 0
