"""The page of `status`, from the files of runs alone; time is given, never waited for."""

import os

import pytest
import yaml
from synthetic_records import record, write_run

from workflow.commands import __main__ as commands
from workflow.commands import status
from workflow.experiments import configuration, grid, states
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


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    """The folder of the results, below the working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "results" / "watched"


def end(root, model, seed=0, **other):
    """A run with a record; returns its folder."""
    return write_run(root, record(model, seed=seed, **other), extras=False)


def begin(root, seed, silent, epochs=5, seconds=2.0):
    """A run that has begun: a stream of metrics and no record."""
    folder = end(root, "lstm", seed)
    (folder / "result.json").unlink()
    lines = [f'{{"epoch": {epoch}, "seconds": {seconds}}}\n' for epoch in range(1, epochs + 1)]
    (folder / "metrics.jsonl").write_text("".join(lines))
    os.utime(folder / "metrics.jsonl", (NOW - silent, NOW - silent))


def look(config):
    return states.states(config, grid.runs(config), NOW)


def test_every_state_is_recognised(results, config):
    end(results, "lstm", train_seconds=40.0)
    end(results, "chance", status="failed", failure="out of memory", test_accuracy=None)
    begin(results, seed=1, silent=10)
    begin(results, seed=2, silent=3600)
    (end(results, "chance", 1) / "result.json").write_text("{")
    (end(results, "chance", 2) / "specification.yaml").write_text("model: another\n")
    found = look(config)
    assert {(run.model, run.seed): state.name for run, state in found.items()} == {
        ("lstm", 0): "done",
        ("lstm", 1): "running",
        ("lstm", 2): "stalled",
        ("lstm", 3): "missing",
        ("chance", 0): "failed",
        ("chance", 1): "damaged",
        ("chance", 2): "outdated",
        ("chance", 3): "missing",
    }
    page = status.text("watched", found, NOW)
    assert "watched: 1 of 8 runs done" in page
    assert [line.split() for line in page.splitlines()[4:7]] == [
        ["demo", "pixels", "lstm", "1", "1", "1", "1"],
        ["demo", "pixels", "chance", "1", "1", "1", "1"],
        ["all", "1", "1", "1", "1", "1", "1", "2"],
    ]
    assert "running: demo/pixels/lstm/group/fold0/seed1: epoch 5 of 20, last epoch 10 s ago" in page
    assert "stalled: demo/pixels/lstm/group/fold0/seed2: epoch 5 of 20, last epoch 1 h ago" in page
    assert "failed: demo/pixels/chance/group/fold0/seed0: out of memory" in page
    assert "damaged: demo/pixels/chance/group/fold0/seed1: not a record: " in page
    assert "outdated: 1, as settings or data have changed; the next start trains again" in page


def test_the_lock_of_a_run_shows_whether_its_process_lives(results, config):
    end(results, "lstm", 3)
    places = {}
    for run in grid.runs(config)[:3]:
        begin(results, run.seed, silent=10)
        places[run] = results / "checkpoints" / run.folder
        with exclusive(places[run]):
            pass
    trained, interrupted, _ = places
    places[interrupted].mkdir()
    with exclusive(places[trained]):
        found = look(config)
        assert [found[run].name for run in places] == ["running", "interrupted", "missing"]
        assert "Expected end: 20" in status.expectation(found, NOW)
    page = status.text("watched", look(config), NOW)
    assert f"interrupted: {interrupted.folder}: epoch 5 of 20" in page
    for stream in results.rglob("metrics.jsonl"):  # as a start does first
        stream.unlink()
    found = look(config)
    assert [found[run].name for run in places] == ["missing", "interrupted", "missing"]


def test_if_nothing_runs_no_end_is_expected(results, config):
    end(results, "lstm", train_seconds=60.0)
    assert status.expectation(look(config), NOW) == "Nothing is running; 7 min of training are left."


def test_slow_epochs_are_no_stall(results, config):
    begin(results, seed=0, silent=3600, seconds=600.0)
    assert look(config)[grid.runs(config)[0]].name == "running"


def test_the_expected_end(results, config):
    end(results, "lstm", train_seconds=40.0)
    end(results, "chance", train_seconds=1.0)
    begin(results, seed=1, silent=10)  # 15 epochs of 2 s to come
    begin(results, seed=2, silent=10)
    found = look(config)
    assert status.remaining(found) == pytest.approx(15 * 2 + 15 * 2 + 40 + 3 * 1)
    assert "(in 52 s, 2 runs at a time, as now)" in status.expectation(found, NOW)


def test_a_search_ends_with_its_last_candidate(results):
    training = CONFIG["training"] | {"search": {"epochs": [10, 20], "learning_rate": [0.1, 0.2]}}
    models = {"lstm": CONFIG["models"]["lstm"]}
    config = configuration.complete(CONFIG | {"training": training, "seeds": [0], "models": models})
    begin(results, seed=0, silent=10)
    (run,) = grid.runs(config)
    lines = '{"epoch": 1, "seconds": 2.0}\n{"epoch": 2, "seconds": 2.0}\n'
    (results / "runs" / run.folder / "search0.jsonl").write_text(lines)
    os.utime(results / "runs" / run.folder / "search0.jsonl", (NOW - 20, NOW - 20))
    found = look(config)
    assert f"running: {run.folder}: epoch 7 of 60, last epoch 10 s ago" in status.text("watched", found, NOW)
    assert status.remaining(found) == pytest.approx((60 - 7) * 2)


def test_a_model_without_a_finished_run_is_estimated_from_the_others(results, config):
    end(results, "lstm", train_seconds=40.0)
    assert status.remaining(look(config)) == pytest.approx(7 * 40)


def test_before_anything_ran(config):
    page = status.text("watched", look(config), NOW)
    assert "0 of 8 runs done" in page
    assert "Expected end: unknown until the first run or epoch has finished." in page


def test_after_everything_ran(results, config):
    for model in ("lstm", "chance"):
        for seed in range(4):
            end(results, model, seed)
    page = status.text("watched", look(config), NOW)
    assert "8 of 8 runs done" in page
    assert page.endswith("Nothing is left to run.\n")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (29, "29 s"), (43, "43 s"), (90, "2 min"), (3600, "1 h"), (5400, "1 h 30 min"), (90_000, "1 d 1 h")],
)
def test_durations_in_words(seconds, words):
    assert status.duration(seconds) == words


def test_the_command_reads_the_configuration(results, tmp_path, capsys):
    (tmp_path / "watched.yaml").write_text(yaml.safe_dump(CONFIG))
    end(results, "lstm")
    assert commands.main(["watched.yaml", "status"]) == 0
    assert "watched: 1 of 8 runs done" in capsys.readouterr().out
