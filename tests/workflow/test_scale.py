"""What is planned: a job for each experiment, however many folds and seeds, and a few for data and tables."""

import pytest

from workflow.experiments.configuration_file import load
from workflow.experiments.grid import runs


@pytest.mark.parametrize("seeds", [1, 50])
def test_the_papers_grid_is_a_job_for_each_experiment(finished, seeds):
    planned = finished.snakemake("-n", "--configfile", "config/paper.yaml", "--config", f"seeds={list(range(seeds))}")
    assert planned.returncode == 0, planned.stdout
    _, _, table = planned.stdout.partition("Job stats:\n")
    jobs = {line.split()[0]: int(line.split()[1]) for line in table.split("\n\n")[0].splitlines()[2:]}
    trained = jobs["train"] + jobs["fit"]
    grid = runs(load("config/paper.yaml"))
    assert trained == len({(run.dataset, run.front_end, run.model, run.protocol) for run in grid})
    assert jobs["total"] - trained <= 30


@pytest.mark.parametrize(
    ("name", "again", "spared"),
    [
        ("runs/demo/pixels/lstm/group/experiment.json", {"train lstm"}, {"train tt_lstm", "frames"}),
        ("runs/demo/pixels/lstm/group/fold0/seed0/result.json", {"train lstm"}, {"train tt_lstm", "frames"}),
        ("runs/demo/pixels/lstm/group/fold0/seed0/predictions.csv", {"train lstm"}, {"train tt_lstm", "frames"}),
        ("data/demo/frames.json", {"frames"}, {"unpack"}),
        ("data/demo/clips.csv", {"frames"}, {"unpack"}),
        ("data/demo/splits.csv", {"splits"}, {"frames"}),
        ("data/demo/splits.json", {"splits"}, {"frames"}),
    ],
)
def test_a_file_that_was_deleted_is_made_again(finished, name, again, spared):
    path = finished.root / "results/tiny" / name
    kept = path.rename(path.with_name("kept"))
    try:
        jobs = finished.planned()
    finally:
        kept.rename(path)
    assert again <= jobs
    assert not spared & jobs
