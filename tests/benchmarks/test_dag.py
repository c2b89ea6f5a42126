"""The benchmark of the pipeline's plans runs (its times are not tested)."""

from benchmarks import dag
from workflow.storage.command_line import call
from workflow.storage.files import read_csv


def test_a_finished_grid_has_nothing_to_do(tmp_path):
    output = tmp_path / "dag.csv"
    call(dag.main, ["--config", "config/demo.yaml", "--seeds", "2", "--output", output])
    table = read_csv(output, ["runs", "what", "cpu_s", "peak_mb"])
    assert [(row["runs"], row["what"]) for row in table] == [
        ("64", "dry run"),
        ("64", "graph"),
        ("64", "nothing to be done"),
    ]
    assert output.with_suffix(".png").stat().st_size > 0
