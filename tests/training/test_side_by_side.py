"""Runs that take turns end with the same bytes as runs that follow one another, whatever happens to some of them.

Here on a CPU, where turns are taken only on request; test_gpu.py has a GPU take them.
"""

import gc
import json
import signal
import weakref

import pytest
import torch
from training.conftest import specification
from training.test_resume import SETTINGS, interrupt, outcome

from workflow.experiments import run as specifications
from workflow.training import data as folds
from workflow.training import experiment, side_by_side
from workflow.training.job import Interruption, Job
from workflow.training.loop import Loop
from workflow.training.step import Step

SEEDS = range(5)
DIVERGES = {"learning_rate": 1e30, "gradient_norm": None}


def train(data, folder, at_a_time, changes=None, seeds=SEEDS):
    """Train a run per seed. changes: of the settings of a seed."""
    interruption, jobs = Interruption(), []
    for seed in seeds:
        settings = SETTINGS | {"epochs": 2 + seed % 2} | (changes or {}).get(seed, {})
        plain = specification("dense", identity={"seed": seed}, **settings)
        (run,) = specifications.read(json.dumps(plain), [0], [seed])
        fold, place = folds.load(data, "pixels").fold(run), folder / f"seed{seed}"
        jobs.append(Job(run, fold, place / "run", place / "checkpoint", "", 0, interruption))
    with interruption.watched(), pytest.MonkeyPatch.context() as patch:
        turns = side_by_side.train
        patch.setattr(side_by_side, "train", lambda *given: turns(*given, at_a_time))
        experiment.train(jobs, lambda _: False)


def left(folder):
    """What each seed left, and how many runs took turns with it."""
    found = {place.name: outcome(place / "run") for place in sorted(folder.iterdir())}
    return found, {name: one["result"].pop("side_by_side") for name, one in found.items()}


@pytest.fixture(scope="module")
def one_after_another(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    train(data, folder, 1)
    found, counts = left(folder)
    assert set(counts.values()) == {1}
    assert len({one["predictions"] for one in found.values()}) == len(SEEDS)
    return found


@pytest.mark.parametrize("at_a_time", [2, 3, 9])
def test_runs_in_turns_end_with_the_same_bytes(data, tmp_path, one_after_another, at_a_time):
    train(data, tmp_path, at_a_time)
    found, counts = left(tmp_path)
    assert found == one_after_another
    assert set(counts.values()) == {min(at_a_time, len(SEEDS))}


def test_turns_are_taken_step_by_step(data, tmp_path, monkeypatch):
    order = []
    original = Step.__call__
    monkeypatch.setattr(Step, "__call__", lambda self, batch: (order.append(id(self)), original(self, batch)))
    train(data, tmp_path, 3)
    assert len(set(order[:3])) == 3
    assert order[:3] == order[3:6]


def test_on_a_cpu_runs_follow_one_another(data, tmp_path, one_after_another):
    train(data, tmp_path, None)
    found, counts = left(tmp_path)
    assert found == one_after_another
    assert set(counts.values()) == {1}


def test_a_run_that_fails_leaves_the_others_alone(data, tmp_path, one_after_another):
    train(data, tmp_path, 3, {1: DIVERGES})
    found, counts = left(tmp_path)
    failed = found.pop("seed1")["result"]
    assert (failed["status"], counts["seed1"]) == ("failed", 3)
    assert not (tmp_path / "seed1/checkpoint").exists()
    assert found == {name: one for name, one in one_after_another.items() if name != "seed1"}


@pytest.mark.parametrize("at", [1, 5, 11, 20])
def test_a_signal_saves_every_run_and_all_resume(data, tmp_path, monkeypatch, one_after_another, at):
    with monkeypatch.context() as patch:
        steps = interrupt(patch, at, signal.SIGTERM)
        with pytest.raises(SystemExit) as end:
            train(data, tmp_path, 3)
    assert end.value.code == 128 + signal.SIGTERM
    assert at <= len(steps) < at + 3  # the others had one more turn
    ended = [seed for seed in SEEDS if (tmp_path / f"seed{seed}/run/result.json").exists()]
    saved = [seed for seed in SEEDS if list((tmp_path / f"seed{seed}/checkpoint").glob("0*"))]
    assert len(saved) == min(3, len(SEEDS) - len(ended))
    train(data, tmp_path, 2, seeds=[seed for seed in SEEDS if seed not in ended])
    assert left(tmp_path)[0] == one_after_another


def test_interrupted_twice_from_the_keyboard_no_run_saves(data, tmp_path, monkeypatch):
    steps = interrupt(monkeypatch, 2, signal.SIGINT, signal.SIGINT)
    with pytest.raises(SystemExit) as end:
        train(data, tmp_path, 3)
    assert end.value.code == 128 + signal.SIGINT
    assert len(steps) == 2
    assert not list(tmp_path.glob("*/checkpoint"))


def test_runs_that_do_not_fit_together_start_again_later(data, tmp_path, monkeypatch, one_after_another, capsys):
    """A device with room for two runs."""
    holding = set()
    step, costs = Step.__call__, Loop.costs

    def limited(self, batch):
        if len(holding | {self}) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        holding.add(self)
        step(self, batch)

    def ended(self):
        holding.discard(self.step)
        return costs(self)

    monkeypatch.setattr(Step, "__call__", limited)
    monkeypatch.setattr(Loop, "costs", ended)
    train(data, tmp_path, 4)
    messages = capsys.readouterr().err
    assert "out of memory: 3 runs side by side from now on" in messages
    assert "out of memory: 2 runs side by side from now on" in messages
    found, counts = left(tmp_path)
    assert found == one_after_another
    assert max(counts.values()) == 4


def test_runs_that_do_not_fit_alone_either_are_recorded_as_failed(data, tmp_path, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Step, "forward_backward", full)
    train(data, tmp_path, 2)
    for seed in SEEDS:
        result = json.loads((tmp_path / f"seed{seed}/run/result.json").read_text())
        assert result["failure"].startswith("out of memory when training a single clip")


@pytest.mark.parametrize(("used", "fitting"), [(300, 2), (800, 1), (801, 0), (0, 0), (-5, 0)])
def test_runs_fit_in_a_share_of_the_free_memory(monkeypatch, used, fitting):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (1000, 4000))
    assert side_by_side.further(used) == fitting


def test_a_run_that_has_ended_holds_no_memory_when_the_next_begins(data, tmp_path, monkeypatch):
    begun, original = [], Step.__init__

    def counted(self, *given):
        original(self, *given)
        assert not any(step() for step in begun)
        begun.append(weakref.ref(self))

    monkeypatch.setattr(Step, "__init__", counted)
    gc.disable()
    try:
        train(data, tmp_path, 1, {1: DIVERGES})
    finally:
        gc.enable()
    assert len(begun) == len(SEEDS)


@pytest.mark.parametrize("at", [None, 16])
def test_searches_in_turns_end_with_the_same_bytes(data, tmp_path, monkeypatch, at):
    changes = {seed: {"search": {"learning_rate": [0.001, 0.01]}} for seed in SEEDS}
    train(data, tmp_path / "alone", 1, changes)
    steps, original = [], Step.__call__

    def interrupted(self, batch):
        original(self, batch)
        steps.append(self)
        if len(steps) == at:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Step, "__call__", interrupted)
    if at:
        with pytest.raises(SystemExit):
            train(data, tmp_path / "turns", 5, changes)
        assert not list(tmp_path.glob("turns/*/run/result.json"))
    train(data, tmp_path / "turns", 5, changes)
    alone, turns = left(tmp_path / "alone")[0], left(tmp_path / "turns")[0]
    assert turns == alone
    assert len(steps) == 2 * sum(3 * (2 + seed % 2) for seed in SEEDS), "no step is taken twice"
    assert {len(one["result"]["search"]) for one in turns.values()} == {2}
