"""Status from the records alone; time is given, never waited for."""

import os

import pytest
import yaml
from synthetic_records import record, write_run

from workflow.commands import status
from workflow.experiments import configuration, grid
from workflow.storage.lock import exclusive

NOW = 1_800_000_000.0
CONFIG = {
    "name": "watched",
    "datasets": {"demo": {}},
    "protocols": ["group"],
    "folds": [0],
    "seeds": [0, 1, 2, 3],
    "training": {"epochs": 20},
    "models": {"lstm": {"format": "dense", "hidden_size": 8}, "chance": {"format": "chance"}},
}


@pytest.fixture
def config():
    return configuration.complete(CONFIG)


def begin(root, seed, silent, epochs=5, seconds=2.0):
    """A run that has begun: a stream of metrics and no record."""
    folder = write_run(root, record("lstm", seed=seed))
    (folder / "result.json").unlink()
    lines = [f'{{"epoch": {epoch}, "seconds": {seconds}}}\n' for epoch in range(1, epochs + 1)]
    (folder / "metrics.jsonl").write_text("".join(lines))
    os.utime(folder / "metrics.jsonl", (NOW - silent, NOW - silent))


def test_every_state_is_told_apart(tmp_path, config):
    write_run(tmp_path, record("lstm", seed=0, train_seconds=40.0))
    failed = record("chance", seed=0, status="failed", failure="out of memory", test_accuracy=None)
    write_run(tmp_path, failed)
    begin(tmp_path, seed=1, silent=10)
    begin(tmp_path, seed=2, silent=3600)
    (write_run(tmp_path, record("chance", seed=1)) / "result.json").write_text("{")
    found = status.status(config, tmp_path, NOW)
    by_name = {(run.model, run.seed): state for run, state in found.states.items()}
    assert by_name == {
        ("lstm", 0): "done",
        ("lstm", 1): "running",
        ("lstm", 2): "stalled",
        ("lstm", 3): "left",
        ("chance", 0): "failed",
        ("chance", 1): "unreadable",
        ("chance", 2): "left",
        ("chance", 3): "left",
    }
    page = status.text("watched", found, NOW)
    assert "watched: 1 of 8 runs done" in page
    assert "running: demo/pixels/lstm/group/fold0/seed1: epoch 5 of 20, last epoch 10 s ago" in page
    assert "stalled: demo/pixels/lstm/group/fold0/seed2: epoch 5 of 20, last epoch 1 h ago" in page
    assert "failed: out of memory" in page
    assert "malformed: not JSON" in page


def test_the_lock_of_a_run_tells_whether_anybody_is_at_work_on_it(tmp_path, config):
    write_run(tmp_path, record("lstm", seed=3))
    places = {}
    for run in grid.runs(config)[:3]:
        begin(tmp_path, run.seed, silent=10)
        places[run] = tmp_path / "checkpoints" / run.folder
        with exclusive(places[run]):
            pass
    trained, interrupted, old = places
    places[interrupted].mkdir()
    with exclusive(places[trained]):
        found = status.status(config, tmp_path, NOW)
        assert [found.states[run] for run in places] == ["running", "interrupted", "left"]
        assert old not in found.active
        assert "expected end: 20" in status.expectation(found, NOW)
    found = status.status(config, tmp_path, NOW)
    assert f"interrupted: {interrupted.folder}: epoch 5 of 20" in status.text("watched", found, NOW)


def test_with_nothing_at_work_no_end_is_expected(tmp_path, config):
    write_run(tmp_path, record("lstm", seed=0, train_seconds=60.0))
    found = status.status(config, tmp_path, NOW)
    assert status.expectation(found, NOW) == "nothing runs now; 7 min of training are left"


def test_slow_epochs_are_not_taken_for_a_stall(tmp_path, config):
    begin(tmp_path, seed=0, silent=3600, seconds=600.0)
    assert set(status.status(config, tmp_path, NOW).active.values()).pop().stalled is False


def test_the_expected_end(tmp_path, config):
    write_run(tmp_path, record("lstm", seed=0, train_seconds=40.0))
    write_run(tmp_path, record("chance", seed=0, train_seconds=1.0))
    begin(tmp_path, seed=1, silent=10)  # 15 epochs of 2 s to come
    begin(tmp_path, seed=2, silent=10)
    found = status.status(config, tmp_path, NOW)
    assert found.remaining == pytest.approx(15 * 2 + 15 * 2 + 40 + 3 * 1)
    assert found.parallel == 2
    assert "(in 1 min, 2 runs at a time, as now)" in status.expectation(found, NOW)


def test_a_model_without_a_finished_run_is_judged_by_the_others(tmp_path, config):
    write_run(tmp_path, record("lstm", seed=0, train_seconds=40.0))
    assert status.status(config, tmp_path, NOW).remaining == pytest.approx(7 * 40)


def test_before_anything_ran(tmp_path, config):
    page = status.text("watched", status.status(config, tmp_path, NOW), NOW)
    assert "0 of 8 runs done" in page
    assert "expected end: unknown until a first run or epoch has ended" in page


def test_after_everything_ran(tmp_path, config):
    for model in ("lstm", "chance"):
        for seed in range(4):
            write_run(tmp_path, record(model, seed=seed), extras=False)
    page = status.text("watched", status.status(config, tmp_path, NOW), NOW)
    assert "8 of 8 runs done" in page
    assert page.endswith("nothing is left to run\n")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (29, "29 s"), (90, "2 min"), (3600, "1 h"), (5400, "1 h 30 min"), (90_000, "1 d 1 h")],
)
def test_durations_in_words(seconds, words):
    assert status.duration(seconds) == words


def test_the_command_reads_the_configuration(tmp_path, capsys):
    (tmp_path / "watched.yaml").write_text(yaml.safe_dump(CONFIG))
    write_run(tmp_path / "results", record("lstm"))
    assert status.main(["--config", str(tmp_path / "watched.yaml"), "--results", str(tmp_path / "results")]) == 0
    assert "watched: 1 of 8 runs done" in capsys.readouterr().out


def test_a_wrong_configuration_is_one_sentence(tmp_path):
    with pytest.raises(SystemExit, match=r"status: .*none\.yaml: no such configuration file"):
        status.main(["--config", str(tmp_path / "none.yaml")])
