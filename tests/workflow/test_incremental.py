"""What is made again after a change, and what is not (the traps of Snakemake, one test each)."""

import copy
import os
from contextlib import contextmanager

import pytest
from projects import TINY

REPORTING = {"collect", "tables", "figures", "report"}


@contextmanager
def edited(path, change):
    """`path` with its text changed, put back afterwards."""
    before = path.read_text()
    path.write_text(change(before))
    try:
        yield
    finally:
        path.write_text(before)


def trained(jobs):
    return {job for job in jobs if job.startswith("train ")}


def test_the_default_target_of_the_top_level_snakefile_runs_everything(finished):
    results = finished.root / "results" / "tiny"
    for name in ("tables/accuracy.csv", "tables/accuracy.tex", "tables/parameters.csv", "report.html"):
        assert (results / name).stat().st_size > 0, name
    assert list((results / "figures").glob("*.pdf"))
    assert len(list((results / "runs").rglob("result.json"))) == 2


def test_a_second_run_has_nothing_to_do(finished):
    run = finished.snakemake("--configfile", "config/tiny.yaml")
    assert run.returncode == 0
    assert "Nothing to be done" in run.stdout


def test_a_hyperparameter_of_one_model_retrains_that_model_only(finished):
    config = copy.deepcopy(TINY)
    config["models"]["tt_lstm"]["training"] = {"learning_rate": 0.002}
    finished.write_config(config)
    try:
        jobs = finished.planned()
    finally:
        finished.write_config(TINY)
    assert trained(jobs) == {"train tt_lstm"}
    assert jobs >= {"collect", "tables", "figures"}
    assert not jobs & {"download", "unpack", "frames", "splits"}


def test_a_general_hyperparameter_retrains_every_model(finished):
    config = copy.deepcopy(TINY)
    config["training"]["learning_rate"] = 0.002
    finished.write_config(config)
    try:
        jobs = finished.planned()
    finally:
        finished.write_config(TINY)
    assert trained(jobs) == {"train lstm", "train tt_lstm"}


@pytest.mark.parametrize(
    ("source", "marked"),
    [
        ("baselines/tensor_train.py", {"train tt_lstm"}),
        ("baselines/dense.py", {"train lstm"}),
        ("workflow/training/run.py", {"train lstm", "train tt_lstm"}),
        ("workflow/reporting/figures.py", set()),
        ("baselines/tensor_ring.py", set()),
    ],
)
def test_a_changed_source_marks_exactly_the_runs_that_use_it(finished, source, marked):
    with edited(finished.root / source, lambda text: text + "\nCHANGED = True\n"):
        assert trained(finished.planned()) == marked


def test_a_touched_source_marks_nothing(finished):
    for source in ("baselines/tensor_train.py", "workflow/training/run.py", "workflow/datasets/frames.py"):
        os.utime(finished.root / source)
    assert finished.planned() == set()


def test_a_change_of_the_frames_decodes_again(finished):
    config = copy.deepcopy(TINY)
    config["frames"]["count"] = 3
    finished.write_config(config)
    try:
        jobs = finished.planned()
    finally:
        finished.write_config(TINY)
    assert {"frames", "train lstm", "train tt_lstm"} <= jobs
    assert not jobs & {"generate", "download", "unpack"}


def test_another_seed_trains_only_that_seed(finished):
    config = {**TINY, "seeds": [0, 1]}
    finished.write_config(config)
    try:
        run = finished.snakemake("-n", "--configfile", "config/tiny.yaml")
    finally:
        finished.write_config(TINY)
    assert run.stdout.count(", seed 1\n") == 2
    assert ", seed 0\n" not in run.stdout
