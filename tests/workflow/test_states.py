"""The states of runs, from their records and from what the configuration wants now."""

import json

import pytest
import yaml
from projects import TINY

from workflow.commands import run as experiments
from workflow.experiments import states
from workflow.experiments.configuration import complete
from workflow.experiments.grid import runs
from workflow.storage import seal

CONFIG = complete(TINY)
WANTED = runs(CONFIG)[0].plain
DONE = {
    **runs(CONFIG)[0].identity,
    "family": "lstm",
    "recipe": "ours",
    "status": "ok",
    **dict.fromkeys(("test_accuracy", "best_epoch_accuracy", "validation_accuracy"), 0.625),
    "parameters": {"W": 1, "U": 1, "bias": 1, "classifier": 1},
    **{"epochs": 1, "best_epoch": 1, "train_seconds": 2.0, "step_ms": 1.0, "peak_memory_mb": 1.0, "device": "CPU"},
    **dict.fromkeys(("data_digest", "split_digest", "git_commit"), "0" * 40),
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """tiny.yaml, and the record of its first run; told(command) is what a command prints."""
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("tiny.yaml").write_text(json.dumps(TINY))
    folder = tmp_path / "results/tiny/runs/demo/pixels/lstm/group/fold0/seed0"
    folder.mkdir(parents=True)
    folder.joinpath("result.json").write_text(json.dumps(seal.sealed(DONE)))
    folder.joinpath("specification.yaml").write_text(yaml.safe_dump(WANTED, sort_keys=False))
    return tmp_path


def test_states_come_from_the_records(tmp_path):
    assert states.state(tmp_path, WANTED) == ("left", "", "")
    (tmp_path / "metrics.jsonl").touch()
    assert states.state(tmp_path, WANTED) == ("started", "", "")
    record = tmp_path / "result.json"
    for text, expected in [
        (json.dumps(DONE), ("done", "62.5%", "")),
        (json.dumps(seal.sealed(DONE)), ("done", "62.5%", "")),
        (json.dumps({**seal.sealed(DONE), "test_accuracy": 0.99}), ("damaged", "", "")),
        ('{"status": "failed", "test_accuracy": null}', ("failed", "", "")),
        ('{"status": "failed", "failure": "NaN in epoch 2"}', ("failed", "", "NaN in epoch 2")),
        ('{"status": "ok", "test_accuracy": null}', ("malformed", "", "")),
        ("{", ("malformed", "", "")),
        ("{}", ("malformed", "", "")),
        ("[]", ("malformed", "", "")),
    ]:
        record.write_text(text)
        assert states.state(tmp_path, WANTED) == expected


def test_a_record_of_another_specification_is_out_of_date(tmp_path):
    (tmp_path / "result.json").write_text(json.dumps(DONE))
    kept = tmp_path / "specification.yaml"
    for text, expected in [
        (yaml.safe_dump(WANTED, sort_keys=False), "done"),
        (yaml.safe_dump(WANTED, sort_keys=True), "done"),
        (yaml.safe_dump({**WANTED, "training": {**WANTED["training"], "epochs": 2}}), "out of date"),
        ("[", "out of date"),
    ]:
        kept.write_text(text)
        assert states.state(tmp_path, WANTED).name == expected


def test_a_list_ends_with_the_counts(project, capsys):
    assert experiments.main(["list", "--configuration", "tiny.yaml"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "done         62.5%  demo/pixels/lstm/group/fold0/seed0",
        "left                demo/pixels/tt_lstm/group/fold0/seed0",
        "2 runs: 1 done, 1 left",
    ]


def test_a_status_counts_what_is_out_of_date_as_left(project, capsys):
    assert experiments.main(["status", "--configuration", "tiny.yaml"]) == 0
    assert capsys.readouterr().out.startswith("tiny: 1 of 2 runs done\n")
    project.joinpath("tiny.yaml").write_text(json.dumps({**TINY, "training": {"epochs": 3}}))
    assert experiments.main(["status", "--configuration", "tiny.yaml"]) == 0
    page = capsys.readouterr().out
    assert page.startswith("tiny: 0 of 2 runs done\n")
    assert "1 of those left have a record of other settings" in page


def test_an_array_trains_what_is_out_of_date(project, monkeypatch, capsys):
    (project / "profiles/slurm").mkdir(parents=True)
    (project / "profiles/slurm/config.yaml").write_text("{}")
    listing = project / "results/tiny/inputs/demo/pixels/lstm.sha256"
    listing.parent.mkdir(parents=True)
    listing.touch()
    next(project.rglob("result.json")).touch()
    monkeypatch.setattr(experiments, "_done", lambda command: 0)
    only_lstm = ["array", "--model", "lstm", "--configuration", "tiny.yaml"]
    assert experiments.main(only_lstm) == 0
    assert "nothing is left" in capsys.readouterr().err
    project.joinpath("tiny.yaml").write_text(json.dumps({**TINY, "training": {"epochs": 3}}))
    assert experiments.main(only_lstm) == 0
    assert "1 runs are left" in capsys.readouterr().out
    assert "lstm" in (project / "results/tiny/array/runs.txt").read_text()


def test_a_run_that_failed_is_no_success(project, monkeypatch, capsys):
    monkeypatch.setattr(experiments, "_done", lambda command: 0)
    only_lstm = ["run", "--model", "lstm", "--configuration", "tiny.yaml"]
    assert experiments.main(only_lstm) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 runs: 1 done"
    next(project.rglob("result.json")).write_text('{"status": "failed", "failure": "the loss became NaN"}')
    assert experiments.main(only_lstm) == 1
    assert "failed              demo/pixels/lstm/group/fold0/seed0: the loss became NaN" in capsys.readouterr().out
    assert experiments.main([*only_lstm, "-n"]) == 0
