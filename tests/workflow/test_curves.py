"""metrics.jsonl: read while it is written, and after a run was resumed."""

from workflow.experiments import curves


def test_a_stream_that_is_being_written_is_read_up_to_its_last_whole_line(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"epoch": 1, "test_accuracy": 0.1}\n{"epoch": 2, "test_accuracy": 0.2}\n{"epoch": 3, "test_a')
    assert [entry["epoch"] for entry in curves.read(path)] == [1, 2]
    assert curves.read(tmp_path / "none.jsonl") == []


def test_a_resumed_run_repeats_epochs_and_the_later_line_counts(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text(
        '{"epoch": 1, "test_accuracy": 0.1}\n{"epoch": 2, "test_accuracy": 0.2}\n{"epoch": 2, "test_accuracy": 0.3}\n'
    )
    assert curves.column(curves.read(path), "test_accuracy") == [0.1, 0.3]
