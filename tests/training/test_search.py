"""A search of settings: every candidate as if trained alone, the best on validation kept, and exact resume."""

import json
import signal

import pytest
import torch
from training import one_run
from training.conftest import specification, write
from training.test_resume import interrupt, outcome

from workflow.experiments.record import Record
from workflow.training import model
from workflow.training.errors import RunFailure
from workflow.training.loop import Loop
from workflow.training.step import Step

RATES = [0.0003, 0.01, 0.1]
SETTINGS = {"epochs": 3, "dropout_recurrent": 0.2, "schedule": "inverse", "decay": 0.1}


def searched(rates=RATES, **settings):
    return specification(**SETTINGS | {"search": {"learning_rate": rates}} | settings)


@pytest.fixture(scope="module")
def undisturbed(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    assert one_run.start(searched(), data, folder, "0") == 0
    return folder / "run"


def curve(path):
    """The lines of a stream of metrics, without times."""
    lines = map(json.loads, path.read_text().splitlines())
    return [{name: value for name, value in line.items() if name not in ("seconds", "step_ms")} for line in lines]


def same(folder, other):
    assert outcome(folder) == outcome(other)
    for number in range(len(RATES)):
        assert curve(folder / f"search{number}.jsonl") == curve(other / f"search{number}.jsonl")
    assert {path.name for path in folder.iterdir()} == {path.name for path in other.iterdir()}


def test_the_best_on_validation_is_kept_and_equals_a_run_with_its_settings_alone(data, tmp_path, undisturbed):
    result = json.loads((undisturbed / "result.json").read_text())
    alone = []
    for number, rate in enumerate(RATES):
        assert one_run.start(specification(**SETTINGS | {"learning_rate": rate}), data, tmp_path / str(number)) == 0
        alone.append(outcome(tmp_path / str(number) / "run"))
        tried = result["search"][number]
        assert (tried["settings"], tried["epochs"]) == ({"learning_rate": rate}, 3)
        assert tried["validation_accuracy"] == alone[number]["result"]["validation_accuracy"]
        assert curve(undisturbed / tried["metrics"]) == curve(tmp_path / str(number) / "run/metrics.jsonl")
    accuracies = [one["result"]["validation_accuracy"] for one in alone]
    best = result["searched"]
    assert accuracies[best] == max(accuracies) != min(accuracies)
    kept = outcome(undisturbed)
    for name in ("metrics", "predictions", "weights"):
        assert kept[name] == alone[best][name]
    assert kept["result"]["test_accuracy"] == alone[best]["result"]["test_accuracy"]
    assert set(result["files"]) >= {"search0.jsonl", "search1.jsonl", "search2.jsonl"}
    Record.parse(result)


@pytest.mark.parametrize("at", [2, 7, 8, 11])
def test_interrupted_at_any_candidate_a_search_ends_with_the_same_bytes(data, tmp_path, monkeypatch, at, undisturbed):
    steps = interrupt(monkeypatch, at, signal.SIGTERM)
    assert one_run.start(searched(), data, tmp_path, "1e9") == 128 + signal.SIGTERM
    assert not (tmp_path / "run/result.json").exists()
    begun = len(steps)
    assert one_run.start(searched(), data, tmp_path) == 0
    assert len(steps) == 3 * 3 * 3, "no step is taken twice"
    assert begun == at
    same(tmp_path / "run", undisturbed)
    assert json.loads((tmp_path / "run/result.json").read_text())["interruptions"] == 1
    assert not (tmp_path / "checkpoint").exists()


def test_a_kill_between_two_candidates_costs_nothing(data, tmp_path, monkeypatch, undisturbed):
    class Killed(Exception):
        pass

    original, steps = Loop.save, []

    def killed(self, flush):
        original(self, flush)
        if self.finished():
            raise Killed

    monkeypatch.setattr(Step, "__call__", lambda self, batch, step=Step.__call__: steps.append(1) or step(self, batch))
    for _ in RATES:
        with monkeypatch.context() as patch:
            patch.setattr(Loop, "save", killed)
            with pytest.raises(Killed):
                one_run.start(searched(), data, tmp_path, "1e9")
    assert one_run.start(searched(), data, tmp_path) == 0
    assert len(steps) == 3 * 3 * 3
    same(tmp_path / "run", undisturbed)
    assert json.loads((tmp_path / "run/result.json").read_text())["interruptions"] == 0


def fail_at(monkeypatch, *rates):
    original = Loop.finished

    def failing(self):
        if self.settings.learning_rate in rates and self.state.epoch == 1:
            raise RunFailure(f"no training at {self.settings.learning_rate}")
        return original(self)

    monkeypatch.setattr(Loop, "finished", failing)


def test_a_candidate_that_fails_is_recorded_and_the_others_go_on(data, tmp_path, monkeypatch, undisturbed):
    best = json.loads((undisturbed / "result.json").read_text())["searched"]
    other = (best + 1) % len(RATES)
    fail_at(monkeypatch, RATES[other])
    assert one_run.start(searched(), data, tmp_path) == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["status"] == "ok"
    assert result["searched"] == best
    assert result["search"][other]["failure"] == f"no training at {RATES[other]}"
    assert result["search"][other]["epochs"] == 1
    assert len((tmp_path / "run" / result["search"][other]["metrics"]).read_text().splitlines()) == 1
    assert outcome(tmp_path / "run")["weights"] == outcome(undisturbed)["weights"]


def test_a_run_fails_if_all_of_its_candidates_do(data, tmp_path, monkeypatch):
    fail_at(monkeypatch, *RATES)
    assert one_run.start(searched(), data, tmp_path) == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["status"] == "failed"
    assert result["failure"] == f"every candidate of the search failed; the first: no training at {RATES[0]}"
    assert [one["settings"] for one in result["search"]] == [{"learning_rate": rate} for rate in RATES]


@pytest.mark.parametrize("which", [(1,), (0, 1, 2)])
def test_a_candidate_that_does_not_fit_fails_alone(data, tmp_path, monkeypatch, which):
    built, build = [], model.build

    def full(*given):
        built.append(given)
        if len(built) - 1 in which:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return build(*given)

    monkeypatch.setattr(model, "build", full)
    assert one_run.start(searched(), data, tmp_path) == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    Record.parse(result)
    for number, tried in enumerate(result["search"]):
        assert ("failure" in tried) is (number in which)
        assert tried.get("failure", "").startswith("out of memory: the model" if number in which else "")
    assert result["status"] == ("ok" if len(which) == 1 else "failed")
    assert {name for name in result["files"] if name.startswith("search")} == {
        f"search{number}.jsonl" for number in range(len(RATES)) if number not in which
    }


def test_a_fold_without_validation_clips_has_nothing_to_search_on(tmp_path):
    data = write(tmp_path / "data", part_of=lambda label, group: "test" if group == 0 else "train")
    assert one_run.start(searched(), data, tmp_path) == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    reason = "a search needs validation clips, and fold 0 of protocol group has none"
    assert (result["status"], result["epochs"]) == ("failed", 0)
    assert result["failure"] == reason


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_candidates_that_fail_before_their_first_epoch(data, tmp_path):
    assert one_run.start(searched(device="cuda"), data, tmp_path) == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["failure"].startswith("every candidate of the search failed; the first: ")


def test_a_baseline_that_is_fitted_has_nothing_to_search(data, tmp_path):
    plain = specification("linear", {}, search={"learning_rate": RATES})
    assert one_run.start(plain, data, tmp_path) == 0
    assert "search" not in json.loads((tmp_path / "run/result.json").read_text())
