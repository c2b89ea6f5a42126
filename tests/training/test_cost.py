"""The estimate: arithmetic from given times, records before calibration, and a small calibration that runs."""

import json
from pathlib import Path

import pytest
import torch
import yaml

from workflow.commands import __main__ as commands
from workflow.commands import cost
from workflow.datasets import inventory
from workflow.experiments import configuration, configuration_file, grid
from workflow.training import calibration

CONFIG = {
    "name": "tiny",
    "datasets": {"demo": {}},
    "frames": {"count": 2, "width": 10, "height": 8},
    "protocols": ["group"],
    "folds": [0, 1],
    "seeds": [0, 1, 2],
    "splits": {"validation": {"random": 0.25, "group": 0.25}},
    "training": {"epochs": 10, "batch_size": 8, "device": "cpu"},
    "models": {"chance": {"format": "chance"}, "lstm": {"format": "dense", "hidden_size": 4}},
}


class Given(dict):
    """A calibration that knows every model."""

    def __contains__(self, key):
        return True

    def __missing__(self, key):
        return {"step_ms": 100.0, "evaluation_ms": 5.0, "device": "NVIDIA of a test"}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cost._counts.cache_clear()  # by a path in this folder


@pytest.fixture
def config():
    return configuration.complete(CONFIG)


def write_splits(train=20, others=12):
    folder = Path("results/tiny/data/demo")
    folder.mkdir(parents=True)
    lines = ["protocol,fold,clip,part"]
    for fold in (0, 1):
        lines += [f"group,{fold},{n},train" for n in range(train)]
        lines += [f"group,{fold},{n + train},test" for n in range(others)]
    (folder / "splits.csv").write_text("\n".join(lines) + "\n")


def test_hours_follow_from_steps_and_clips(config):
    write_splits()
    chance, lstm = cost.estimate(config, Given())
    assert (lstm["jobs"], lstm["runs"]) == (1, 6)
    assert (lstm["times from"], lstm["device"]) == ("calibrated here", "NVIDIA of a test")
    seconds = 10 * (3 * 0.1 + 12 * 0.005)
    assert lstm["hours"] == pytest.approx((6 * seconds + cost.START_SECONDS) / 3600)
    assert (lstm["steps"], chance["steps"]) == (6 * 10 * 3, 0)
    assert chance["hours"] == pytest.approx(cost.START_SECONDS / 3600)


@pytest.mark.parametrize(
    ("steps", "printed"), [(180, "180"), (999_999, "999,999"), (10**6, "1 million"), (2_345_678, "2.35 million")]
)
def test_steps_are_printed_whole_until_they_are_millions(config, steps, printed):
    chance, lstm = cost.estimate(config, Given())
    page = cost.text([chance, lstm | {"steps": steps}], cost.preparation(config))
    assert f"\nsteps      {printed}\n" in page


@pytest.mark.parametrize("together", [None, 1, 4])
def test_records_take_precedence_over_calibration(config, together):
    run = next(run for run in grid.runs(config) if run.model == "lstm")
    folder = Path("results/tiny/runs") / run.folder
    folder.mkdir(parents=True)
    record = {"status": "ok", "train_seconds": 20.0, "epochs": 5, "step_ms": 7.0, "device": "CPU of a test"}
    record |= {"side_by_side": together} if together else {}
    (folder / "result.json").write_text(json.dumps(record))
    _, lstm = cost.estimate(config, Given())
    assert lstm["times from"] == "1 of 6 records"
    assert lstm["step ms"] == 7.0
    assert lstm["hours"] == pytest.approx((6 * 4.0 * 10 / (together or 1) + cost.START_SECONDS) / 3600)


def test_times_of_another_machine_are_not_taken(config, monkeypatch):
    timed, measured = {}, []
    monkeypatch.setattr(calibration, "measure", lambda *given: measured.append(given) or Given()[""])
    for node in ("one", "one", "two"):
        monkeypatch.setattr(cost.platform, "node", lambda node=node: node)
        cost.estimate(config, timed)
    assert len(measured) == 2


def test_records_with_other_settings_give_no_times(config):
    run = next(run for run in grid.runs(config) if run.model == "lstm")
    folder = Path("results/tiny/runs") / run.folder
    folder.mkdir(parents=True)
    record = {"status": "ok", "train_seconds": 20.0, "epochs": 5, "step_ms": 7.0, "device": "CPU of a test"}
    (folder / "result.json").write_text(json.dumps(record))
    for hidden_size, source in [(4, "1 of 6 records"), (400, "calibrated here")]:
        plain = run.plain | {"recurrent": run.recurrent | {"hidden_size": hidden_size}}
        (folder / "specification.yaml").write_text(yaml.safe_dump(plain))
        assert cost.estimate(config, Given())[1]["times from"] == source


def test_a_search_costs_what_all_of_its_candidates_do():
    training = CONFIG["training"] | {"search": {"epochs": [1, 3], "batch_size": [4, 20]}}
    config = configuration.complete(CONFIG | {"training": training})
    write_splits()
    chance, lstm = cost.estimate(config, Given())
    assert (lstm["steps"], chance["steps"]) == (6 * (1 + 3) * (5 + 1), 0)
    seconds = (1 + 3) * (5 + 1) * 0.1 + 2 * (1 + 3) * 12 * 0.005
    assert lstm["hours"] == pytest.approx((6 * seconds + cost.START_SECONDS) / 3600)
    folder = Path("results/tiny/runs") / grid.runs(config)[-1].folder
    folder.mkdir(parents=True)
    record = {"status": "ok", "train_seconds": 40.0, "epochs": 3, "step_ms": 7.0, "device": "CPU of a test"}
    record |= {"search": [{"epochs": 1}, {"epochs": 1}, {"epochs": 3}, {"epochs": 3}]}
    (folder / "result.json").write_text(json.dumps(record))
    _, lstm = cost.estimate(config, Given())
    assert lstm["hours"] == pytest.approx((6 * 40.0 + cost.START_SECONDS) / 3600)


@pytest.mark.parametrize(("keep", "kept"), [("all", True), ("small", True), ("none", False)])
def test_weights_count_where_they_are_kept(keep, kept):
    rows = cost.estimate(configuration.complete(CONFIG | {"keep_weights": keep}), Given())
    assert [row[cost.WEIGHTS] > 0 for row in rows] == [False, kept]
    large = {"lstm": {"format": "dense", "hidden_size": 1000}}
    (row,) = cost.estimate(configuration.complete(CONFIG | {"keep_weights": keep, "models": large}), Given())
    assert (row[cost.WEIGHTS] > 0) is (keep == "all")


def test_the_full_paper_fits_in_20_gb(root):
    config = configuration_file.load_own(root / "config/paper.yaml")
    rows, prepared = cost.estimate(config, Given()), cost.preparation(config)
    sizes = {
        name: sum(row[name] for row in prepared) for name in (cost.ARCHIVES, cost.CLIPS, cost.FRAMES, cost.FEATURES)
    }
    sizes |= {name: sum(row[name] for row in rows) for name in (cost.WEIGHTS, cost.RECORDS)}
    assert all(sizes.values())
    assert sum(sizes.values()) < 20
    page = cost.text(rows, prepared)
    assert f"disk       {sum(sizes.values()):.1f} GB" in page
    assert max(map(len, page.splitlines())) <= 80  # of a terminal


def test_prepared_data_cost_nothing(config):
    (before,) = cost.preparation(config)
    clips = cost.CATALOGUE["demo"].clips
    assert before[cost.DECODING] == pytest.approx(clips * cost.DECODE_SECONDS / 3600)
    assert before[cost.FRAMES] == pytest.approx(1e-9 * clips * 2 * 8 * 10 * 3)
    assert before[cost.FEATURES] == before[cost.ARCHIVES] == 0
    folder = Path("results/tiny/data/demo")
    folder.mkdir(parents=True)
    (folder / "frames.json").write_text(json.dumps({"shape": [7, 2, 8, 10, 3]}))
    (after,) = cost.preparation(config)
    assert (after["clips"], after[cost.DECODING], after["from"]) == (7, 0.0, "done")


def test_without_splits_the_inventory_is_divided(config):
    run = grid.runs(config)[0]
    train, others = cost.clips_of(config, run)
    clips = cost.CATALOGUE["demo"].clips
    assert train + others == clips
    assert train == round(clips * 0.8 * 0.75)


def test_the_command_times_unknown_models_and_caches_the_result(tmp_path, capsys):
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    assert commands.main([path.name, "cost"]) == 0
    first = capsys.readouterr()
    assert "timing lstm on demo/pixels" in first.err
    for word in (
        "jobs       2 for 12 runs",
        "GPU hours  unknown: no GPU here",
        "CPU hours",
        "disk",
        "download",
    ):
        assert word in first.out
    assert commands.main([path.name, "cost"]) == 0
    again = capsys.readouterr()
    assert again.err == ""
    assert again.out == first.out


def test_times_that_cannot_be_kept_are_printed(tmp_path, capsys):
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    (tmp_path / "results/tiny/.cost.json.part").mkdir(parents=True)
    assert commands.main([path.name, "cost"]) == 0
    assert "calibrated here" in capsys.readouterr().out


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_the_device_is_named_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(calibration, "SECONDS", 0.0)
    models = {name: {"format": "dense", "hidden_size": size} for size, name in enumerate(("one", "two"), start=4)}
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(CONFIG | {"training": {"epochs": 1}, "models": models}))
    assert commands.main(["tiny.yaml", "cost"]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("timing")]
    assert len(lines) == 1
    assert lines[0].startswith("device auto: computing on the CPU, as no GPU can be used: ")


def test_a_wrong_configuration_is_an_error(tmp_path, capsys):
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump(CONFIG | {"name": "wrong", "models": {"lstm": {"format": "dens"}}}))
    assert commands.main([path.name, "cost"]) == 1
    assert "did you mean 'dense'" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_asked_for_and_is_not_there_is_one_sentence(tmp_path, capsys):
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(CONFIG | {"training": CONFIG["training"] | {"device": "cuda"}}))
    assert commands.main([path.name, "cost"]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("reproduce: training.device is 'cuda', but no GPU can be used: ")


def test_a_data_set_without_an_inventory_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(inventory, "FOLDER", tmp_path)
    inventory.load.cache_clear()
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(CONFIG))
    assert commands.main(["tiny.yaml", "cost"]) == 1
    assert "demo.json: no such file; data set 'demo' needs an inventory" in capsys.readouterr().err
