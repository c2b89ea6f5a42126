"""Folders of synthetic records, made once."""

from pathlib import Path

import pytest
from synthetic_records import record, write_grid, write_leakage, write_run

from workflow.commands import figures, reference
from workflow.reporting import captions
from workflow.reporting.report import page as report
from workflow.reporting.results import Results, gather
from workflow.storage.command_line import call


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory) -> Path:
    """A complete synthetic grid: ten models, two protocols, three folds, two seeds. Read only."""
    root = write_grid(tmp_path_factory.mktemp("synthetic"), folds=3)
    write_leakage(root, folds=3)
    return root


@pytest.fixture(scope="session")
def results(synthetic) -> Results:
    return gather(synthetic)


@pytest.fixture(scope="session")
def shipped() -> Results:
    """The records that come with the project."""
    return gather(reference.RECORDS)


@pytest.fixture(scope="session")
def damaged(tmp_path_factory) -> Path:
    """Three models of UCF11 with every kind of bad record: failed, half-written, misplaced, missing. Read only."""
    root = tmp_path_factory.mktemp("damaged")
    write_grid(root, ("lstm", "ht_lstm", "fdht_lstm"), folds=2, seeds=2, dataset="ucf11")
    nothing = dict.fromkeys(("test_accuracy", "best_epoch_accuracy", "validation_accuracy", "best_epoch", "step_ms"))
    failed = record("ht_lstm", dataset="ucf11", fold=1, seed=1, **nothing)
    write_run(root, failed | {"status": "failed", "failure": "the loss became NaN in epoch 3", "epochs": 3})
    half = write_run(root, record("fdht_lstm", "random", 1, 1, dataset="ucf11"))
    (half / "result.json").write_text('{"dataset": "ucf11", "fro')
    misplaced = write_run(root, record("lstm", "random", 1, 1, dataset="ucf11"))
    (misplaced / "result.json").write_text((misplaced.parent / "seed0" / "result.json").read_text())
    absent = root / "runs/ucf11/pixels/lstm/group/fold0/seed1"
    for file in absent.iterdir():
        file.unlink()
    return root


@pytest.fixture(scope="session")
def few(tmp_path_factory) -> Path:
    """Three models, one fold and two seeds of each protocol: enough to draw and print. Read only."""
    root = write_grid(tmp_path_factory.mktemp("few"), ("nearest_neighbour", "ht_lstm", "fdht_lstm"), folds=1)
    write_leakage(root, folds=1)
    return root


@pytest.fixture(scope="session")
def drawings(few, tmp_path_factory) -> Path:
    """The figures of `few`. Read only."""
    folder = tmp_path_factory.mktemp("drawings")
    call(figures.main, ["--from", few, "--output", folder])
    return folder


@pytest.fixture(scope="session")
def page(few, drawings) -> str:
    """The report of `few`."""
    return report.page(gather(few), drawings)


@pytest.fixture
def without_figures(tmp_path) -> Path:
    """A folder of figures without one."""
    captions.write(tmp_path / "figures", {})
    return tmp_path / "figures"
