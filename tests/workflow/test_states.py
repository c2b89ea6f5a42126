"""The states of runs, from their records and the present configuration; `list` and `status` count them alike."""

import json
import re

import pytest
import yaml
from projects import TINY

from workflow.commands import __main__ as commands
from workflow.commands import run
from workflow.experiments import states
from workflow.experiments.configuration import complete
from workflow.experiments.configuration_file import load
from workflow.experiments.grid import runs
from workflow.storage import files, seal

PAPER = "config/paper.yaml"
NOW = 1_800_000_000.0
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
    """tiny.yaml, and the record of its first run;"""
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("tiny.yaml").write_text(json.dumps(TINY))
    folder = tmp_path / "results/tiny/runs/demo/pixels/lstm/group/fold0/seed0"
    folder.mkdir(parents=True)
    folder.joinpath("result.json").write_text(json.dumps(seal.sealed(DONE)))
    folder.joinpath("specification.yaml").write_text(yaml.safe_dump(WANTED, sort_keys=False))
    return tmp_path


def state_of(folder):
    return states.state(folder, folder / "checkpoints", WANTED, NOW)


def test_states_come_from_the_records(tmp_path):
    assert state_of(tmp_path).name == "missing"
    record = tmp_path / "result.json"
    failed = {**DONE, "status": "failed", "failure": "NaN in epoch 2", "test_accuracy": None}
    for text, name, reason in [
        (json.dumps(DONE), "damaged", "checksum mismatch"),
        (json.dumps(seal.sealed(DONE)), "done", ""),
        (json.dumps({**seal.sealed(DONE), "test_accuracy": 0.99}), "damaged", "checksum mismatch"),
        (json.dumps(seal.sealed(failed)), "failed", "NaN in epoch 2"),
        (json.dumps({**DONE, "best_epoch_accuracy": None}), "damaged", "status is ok but best_epoch_accuracy is null"),
        (json.dumps({**DONE, "protocol": "published"}), "damaged", "it is called 'random' now"),
        ("{", "damaged", "not a record: "),
        ("{}", "damaged", "missing best_epoch"),
        ("[]", "damaged", "[] should be a mapping"),
    ]:
        record.write_text(text)
        found = state_of(tmp_path)
        assert (found.name, reason in found.reason) == (name, True), found


def test_a_record_of_another_specification_is_outdated(tmp_path):
    (tmp_path / "result.json").write_text(json.dumps(seal.sealed(DONE)))
    kept = tmp_path / "specification.yaml"
    for text, expected in [
        (yaml.safe_dump(WANTED, sort_keys=False), "done"),
        (yaml.safe_dump(WANTED, sort_keys=True), "done"),
        (yaml.safe_dump({**WANTED, "training": {**WANTED["training"], "epochs": 2}}), "outdated"),
        ("[", "outdated"),
    ]:
        kept.write_text(text)
        assert state_of(tmp_path).name == expected


def test_what_runs_share_is_written_once_to_compare_their_specifications(tmp_path, monkeypatch):
    wanted = [one.plain for one in runs(load(PAPER))[:300]]
    texts = [yaml.safe_dump(plain, sort_keys=False, allow_unicode=True) for plain in wanted]
    written, dump = [], yaml.safe_dump
    monkeypatch.setattr(yaml, "safe_dump", lambda item, **options: written.append(item) or dump(item, **options))
    monkeypatch.setattr(states.yaml_file, "parse", None)  # which takes even longer
    states._yaml.cache_clear()
    for plain, text in zip(wanted, texts, strict=True):
        (tmp_path / "specification.yaml").write_text(text)
        assert not states.respecified(tmp_path, plain)
    assert len(written) < 50


def test_a_list_ends_with_the_counts(project, capsys):
    assert commands.main(["tiny.yaml", "list"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[3:] == [
        ["done", "62.5%", "demo/pixels/lstm/group/fold0/seed0"],
        ["missing", "demo/pixels/tt_lstm/group/fold0/seed0"],
        [],
        ["2", "runs:", "1", "done,", "1", "missing"],
    ]


def test_a_list_never_mixes_the_epoch_chosen_on_validation_with_the_last(project, capsys):
    record = next(project.rglob("result.json"))
    for chosen, last, shown in ((0.625, 0.5, ["62.5%", "50.0%"]), (None, 0.5, ["50.0%"])):
        values = {**DONE, "test_accuracy": chosen, "final_epoch_accuracy": last}
        record.write_text(json.dumps(seal.sealed(values)))
        assert commands.main(["tiny.yaml", "list"]) == 0
        first, heading, _, line, *_ = capsys.readouterr().out.splitlines()
        assert re.split(" {2,}", first) == ["state", "accuracy at", "accuracy at", "run", "reason"]
        assert heading.split() == ["chosen", "epoch", "last", "epoch"]
        assert line.split()[1:-1] == shown
        assert line.index("50.0%") + len("50.0%") == heading.index("last epoch") + len("last epoch")


def test_list_and_status_count_what_is_outdated_alike(project, capsys):
    assert commands.main(["tiny.yaml", "status"]) == 0
    assert capsys.readouterr().out.startswith("tiny: 1 of 2 runs done\n")
    project.joinpath("tiny.yaml").write_text(json.dumps({**TINY, "training": {"epochs": 3}}))
    assert commands.main(["tiny.yaml", "status"]) == 0
    page = capsys.readouterr().out
    assert page.startswith("tiny: 0 of 2 runs done\n")
    assert "outdated: 1, as settings or data have changed" in page
    assert commands.main(["tiny.yaml", "list"]) == 0
    assert capsys.readouterr().out.endswith("2 runs: 1 outdated, 1 missing\n")


def test_a_run_that_failed_is_no_success(project, monkeypatch, capsys):
    monkeypatch.setattr(run, "snakemake", lambda config, options: 0)
    monkeypatch.setattr(run, "prepare", lambda *given: None)
    only_lstm = ["tiny.yaml", "run", "--model", "lstm"]
    assert commands.main(only_lstm) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 run: 1 done"
    failed = {**DONE, "status": "failed", "failure": "the loss became NaN", "test_accuracy": None}
    next(project.rglob("result.json")).write_text(json.dumps(seal.sealed(failed)))
    assert commands.main(only_lstm) == 1
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("failed"))
    assert line.split(maxsplit=2)[1:] == ["demo/pixels/lstm/group/fold0/seed0", "the loss became NaN"]
    assert commands.main([*only_lstm, "-n"]) == 0


def prepare(project, **digests):
    """The small files of the data that the project's record was made from, or of `digests`."""
    data = project / "results/tiny/data/demo"
    data.mkdir(parents=True, exist_ok=True)
    digests = {"frames": "0" * 40, "split": "0" * 40} | digests
    frames = {"digest": digests["frames"], "count": TINY["frames"]["count"], "sampling": "linspace"}
    data.joinpath("frames.json").write_text(json.dumps(frames))
    data.joinpath("splits.json").write_text(json.dumps({"digests": {"group/0": digests["split"]}}))


@pytest.mark.parametrize("changed", [{"frames": "new"}, {"split": "new"}, {}])
def test_a_record_of_other_data_is_outdated(project, capsys, changed):
    """{}: they are not prepared again yet."""
    prepare(project)
    assert commands.main(["tiny.yaml", "status"]) == 0
    assert capsys.readouterr().out.startswith("tiny: 1 of 2 runs done\n")
    prepare(project, **changed)
    if not changed:
        frames = {**TINY["frames"], "sampling": "random"}
        project.joinpath("tiny.yaml").write_text(json.dumps({**TINY, "frames": frames}))
    assert commands.main(["tiny.yaml", "status"]) == 0
    page = capsys.readouterr().out
    assert "outdated: 1, as settings or data have changed; the next start trains again\n" in page
    assert "Nothing is left to run" not in page
    assert commands.main(["tiny.yaml", "list"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("outdated"))
    assert line.split(maxsplit=2)[1:] == ["demo/pixels/lstm/group/fold0/seed0", "its data have changed"]


def test_the_files_of_the_data_are_read_once(project, monkeypatch):
    prepare(project)
    config = complete({**TINY, "seeds": list(range(20))})
    folder = project / "results/tiny/runs"
    for one in runs(config):
        (folder / one.folder).mkdir(parents=True, exist_ok=True)
        (folder / one.folder / "result.json").write_text(json.dumps(seal.sealed({**DONE, **one.identity})))
    read = []
    known_json = files.known_json
    monkeypatch.setattr(files, "known_json", lambda path: read.append(path.name) or known_json(path))
    assert {found.name for found in states.states(config, runs(config)).values()} == {"done"}
    assert sorted(read) == ["frames.json", "splits.json"]
