"""The benchmark for GPUs runs on a CPU, smaller, and needs torch, numpy and pandas only (its speeds are not tested)."""

import json
import math
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from small_models import SIZES, SMALL

from benchmarks import cases, gpu, peers, side_by_side
from benchmarks.cases import Case, ours
from workflow.training.side_by_side import Lane

MODELS = {"lstm": "dense", "fdht_lstm": "fully_decomposed"}


@pytest.fixture
def short(monkeypatch):
    """A small case, short measurements, and nothing that takes longer."""
    declared = {model: {"format": format_, **SIZES, **SMALL[format_]} for model, format_ in MODELS.items()}
    models = {("ours", model): (lambda layer=layer: ours(True, **layer)) for model, layer in declared.items()}
    models["torch", "lstm"] = lambda: peers.Last(torch.nn.LSTM(48, 16, batch_first=True))
    monkeypatch.setattr(cases, "cases", lambda: iter([Case("48-16", 48, 16, True, models, declared)]))
    monkeypatch.setattr(side_by_side, "SECONDS", 0)
    monkeypatch.setattr(gpu, "REPETITIONS", 1)
    monkeypatch.setattr(gpu, "tests", lambda: [{"passed": True}])
    monkeypatch.setattr(gpu, "FRONT_ENDS", ["a_package_that_is_missing"])
    return declared


@pytest.fixture
def untimed(short, monkeypatch):
    """`short`, without the speed of layers."""
    monkeypatch.setattr(gpu, "compare", lambda *_, **__: [])


def test_a_small_run_writes_its_tables(short, tmp_path):
    planned = [
        {"experiment": "demo/pixels/fdht_lstm/group", "model": "fdht_lstm", "front_end": "pixels", "runs": runs,
         "steps": 900, "layer": short["fdht_lstm"]}
        for runs in (1, 4)
    ]  # fmt: skip
    (tmp_path / "experiments.json").write_text(json.dumps(planned))
    options = ["--output", tmp_path / "gpu", "--device", "cpu", "--experiments", tmp_path / "experiments.json"]
    assert gpu.main(list(map(str, options))) == 0
    rates = pd.read_csv(tmp_path / "gpu/side_by_side.csv")
    assert list(zip(rates.model, rates.side_by_side, strict=True)) == [("fdht_lstm", 1), ("fdht_lstm", 2)]
    assert rates.equal.all()
    speed = pd.read_csv(tmp_path / "gpu/speed.csv")
    assert set(zip(speed.implementation, speed.model, speed["pass"], strict=True)) == {
        (*name, kind)
        for name in (("ours", "lstm"), ("ours", "fdht_lstm"), ("torch", "lstm"))
        for kind in ("forward", "step")
    }
    estimate = pd.read_csv(tmp_path / "gpu/estimate.csv")
    for row, rate in zip(estimate.itertuples(), (rates.steps_per_s[0], rates.steps_per_s.max()), strict=True):
        assert row.hours == pytest.approx(row.runs * 900 / rate / 3600, rel=1e-4)
    summary = json.loads((tmp_path / "gpu/gpu.json").read_text())
    assert summary["device"].startswith("cpu")
    assert summary["hours"] == pytest.approx(estimate.hours.sum(), rel=1e-4)
    assert summary["skipped"].keys() == {"a_package_that_is_missing"}
    assert summary["skipped"]["a_package_that_is_missing"].startswith("ModuleNotFoundError: No module named")
    assert len(summary["speed"]) == len(speed)


def test_no_measurement_starts_after_the_time_is_over(short, tmp_path):
    assert gpu.main(["--output", str(tmp_path), "--device", "cpu", "--seconds", "-1"]) == 0
    assert set(json.loads((tmp_path / "gpu.json").read_text())["skipped"].values()) == {"no time left"}


@pytest.mark.parametrize("wrong", ["tests", "memory", "weights"])
def test_a_failure_is_the_exit_status(untimed, tmp_path, monkeypatch, wrong):
    if wrong == "tests":
        monkeypatch.setattr(gpu, "tests", lambda: [{"passed": False}])
    elif wrong == "memory":
        monkeypatch.setattr(gpu, "compare", lambda *_, **__: torch.empty(2**60))
    else:
        take = side_by_side.take

        def disturbed(trainings, steps):
            take(trainings, steps)
            if len(trainings) > 1:
                trainings[0].step.parameters[0].data += 1

        monkeypatch.setattr(side_by_side, "take", disturbed)
    assert gpu.main(["--output", str(tmp_path), "--device", "cpu"]) == 1


def test_rows_before_a_failure_are_kept(untimed, tmp_path, monkeypatch):
    training = side_by_side.Training

    def full(classifier, settings, feed, seed):
        if seed:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return training(classifier, settings, feed, seed)

    monkeypatch.setattr(side_by_side, "Training", full)
    assert gpu.main(["--output", str(tmp_path), "--device", "cpu"]) == 1
    assert list(pd.read_csv(tmp_path / "side_by_side.csv").side_by_side) == [1, 1]
    assert set(json.loads((tmp_path / "gpu.json").read_text())["failed"].values()) == {
        "OutOfMemoryError: CUDA out of memory"
    }


def test_the_time_to_start_the_sampler_is_not_that_of_steps(short, monkeypatch):
    clock, take = [0.0], side_by_side.take

    def taken(trainings, steps):
        take(trainings, steps)
        clock[0] += 2

    @contextmanager
    def slow(device):
        clock[0] += 100
        yield []

    monkeypatch.setattr(side_by_side, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(side_by_side, "take", taken)
    monkeypatch.setattr(side_by_side, "utilisation", slow)
    row = {"experiment": "", "model": "", "front_end": "pixels", "layer": short["fdht_lstm"]}
    found = [row["steps_per_s"] for row in side_by_side.rates(row, "cpu")]
    assert found == [count * side_by_side.COMPARED / 2 for count in side_by_side.AT_A_TIME["cpu"]]


def test_the_sampler_asks_for_the_gpu_in_use_alone(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text(f"""#!/bin/sh
        [ "$5" = --id=GPU-12-34 ] && echo 70 || printf '70\\n10\\n'
        touch {tmp_path}/said
        exec sleep 99
    """)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda: SimpleNamespace(uuid="12-34"))
    with side_by_side.utilisation("cuda") as busy:
        while not (tmp_path / "said").exists():
            time.sleep(0.01)
    assert busy == [70]


def test_a_training_makes_its_state_in_its_turn(short, monkeypatch):
    turns, turn, made, build = [], Lane._turn, [], side_by_side.step.build

    @contextmanager
    def marked(self):
        turns.append(self)
        with turn(self):
            yield
        turns.pop()

    monkeypatch.setattr(Lane, "_turn", marked)
    monkeypatch.setattr(side_by_side.step, "build", lambda *given: made.append(len(turns)) or build(*given))
    row = {"experiment": "", "model": "", "front_end": "pixels", "layer": short["fdht_lstm"]}
    assert len(list(side_by_side.rates(row, "cpu"))) == 2
    assert made == [1, 1, 1]


def test_the_experiments_of_a_configuration(tmp_path):
    assert gpu.main(["--list", str(tmp_path / "list.json")]) == 0
    rows = {row["experiment"]: row for row in json.loads((tmp_path / "list.json").read_text())}
    assert "ucf11/pixels/chance/group" not in rows  # it has no epochs
    for protocol, clips in (("random", 1600 * 0.8), ("group", 1600 * 0.8 * 0.85)):
        row = rows[f"ucf11/pixels/fdht_lstm/{protocol}"]
        assert (row["runs"], row["front_end"], row["layer"]["format"]) == (25, "pixels", "fully_decomposed")
        assert row["settings"].keys() == gpu.SETTINGS.keys()
        assert row["steps"] == 100 * math.ceil(clips / 16)


def test_nothing_but_torch_numpy_and_pandas_is_imported():
    code = (
        "import sys, numpy, pandas, torch, torch.optim, torch._dynamo, torch.profiler\n"
        "roots = lambda: {name.partition('.')[0] for name in sys.modules}\n"
        "before = roots()\n"
        "from benchmarks import gpu, side_by_side\n"
        "side_by_side.SECONDS, side_by_side.AT_A_TIME = 0, {'cpu': (1, 2)}\n"
        f"layer = { ({'format': 'fully_decomposed', **SIZES, **SMALL['fully_decomposed']})!r}\n"
        "row = {'experiment': 'one', 'model': 'fdht_lstm', 'front_end': 'pixels', 'layer': layer}\n"
        "assert [found['equal'] for found in side_by_side.rates(row, 'cpu')] == [True, True]\n"
        "print(*sorted(roots() - before - set(sys.stdlib_module_names)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(found.stdout.split()) == {"baselines", "benchmarks", "fdht", "workflow"}
