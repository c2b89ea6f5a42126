"""The benchmark of the training loop runs and writes what it says; what it measures is nobody's promise here."""

import csv

from benchmarks import training


def test_three_implementations_of_one_model(tmp_path):
    path = tmp_path / "new/training.csv"
    assert training.main(["--models", "thumbnail_lstm", "--rounds", "1", "--output", str(path)]) == 0
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["implementation"] for row in rows] == ["ours", "plain", "bare"]
    assert tuple(rows[0]) == training.COLUMNS
    assert float(rows[2]["overhead"]) == 0
    for row in rows:
        assert float(row["epochs_per_s"]) > 0
