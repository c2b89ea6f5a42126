"""Records are read whole, and what cannot be trusted is named, never dropped."""

import json

import pytest
import yaml
from synthetic_records import record, write_grid, write_leakage, write_run

from workflow.experiments import configuration_file, grid
from workflow.experiments.record import Record
from workflow.reporting import collect, records
from workflow.reporting.results import configuration_of, gather
from workflow.storage.command_line import call
from workflow.storage.errors import InputError

BROKEN = {
    "not JSON": ('{"dataset": ', "not a record: Expecting value"),
    "empty file": ("", "not a record: Expecting value"),
    "a list": ("[]", "should be a mapping"),
    "NaN": (json.dumps(record(test_accuracy=float("nan"))), "nan should be a finite number"),
    "unknown key": (json.dumps(record(accuracy=0.5)), "unknown key 'accuracy'; did you mean"),
    "missing key": (json.dumps({k: v for k, v in record().items() if k != "epochs"}), "missing epochs"),
    "percent for a fraction": (
        json.dumps(record(test_accuracy=62.5)),
        "62.5 should be less than or equal to 1",
    ),
    "text for a number": (json.dumps(record(fold="0")), "fold: '0' should be a valid integer"),
    "an old word": (
        json.dumps(record(protocol="published")),
        "unknown protocol 'published'; it is called 'random'",
    ),
    "ok without accuracy": (
        json.dumps(record(best_epoch_accuracy=None)),
        "status is ok but best_epoch_accuracy is null",
    ),
    "another run's": (json.dumps(record(seed=1)), "seed is 1; expected 0, as in the folder name"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_damaged_record_is_a_row_with_its_reason(tmp_path, kind):
    text, reason = BROKEN[kind]
    (write_run(tmp_path, record(), extras=False) / "result.json").write_text(text)
    table = records.read(tmp_path)
    assert list(table["status"]) == ["damaged"]
    assert reason in table["failure"][0]
    assert (table["model"][0], table["fold"][0], table["seed"][0]) == ("fdht_lstm", 0, 0)
    assert records.problems(table)[0].startswith("runs/demo/pixels/fdht_lstm/group/fold0/seed0/result.json: damaged:")


def test_bytes_that_are_no_text_are_damaged(tmp_path):
    (write_run(tmp_path, record(), extras=False) / "result.json").write_bytes(b"\xff\xfe{")
    assert list(records.read(tmp_path)["status"]) == ["damaged"]


def test_every_file_becomes_a_row(damaged):
    files = records.find(damaged)
    table = records.read(damaged)
    assert len(table) == len(files) == 23
    assert table["status"].value_counts().to_dict() == {"ok": 20, "damaged": 2, "failed": 1}
    assert set(table["record"]) == {file.relative_to(damaged).as_posix() for file in files}


def test_records_outside_the_layout_are_read_by_what_they_say(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "result.json").write_text(json.dumps(record("tt_lstm", fold=3)))
    table = records.read(tmp_path)
    assert (table["model"][0], table["fold"][0], table["status"][0]) == ("tt_lstm", 3, "ok")


def test_the_same_run_twice_counts_once_and_is_named(tmp_path):
    write_run(tmp_path / "a", record(), extras=False)
    write_run(tmp_path / "b", record(), extras=False)
    table = records.read(tmp_path)
    assert sorted(table["status"]) == ["duplicate", "ok"]
    assert "the same run as a/runs/" in records.problems(table)[0]


def test_no_records_make_an_empty_table_with_all_columns(tmp_path):
    assert list(records.read(tmp_path).columns) == records.COLUMNS


def test_a_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"nowhere: no such folder; expected one with result\.json"):
        records.read(tmp_path / "nowhere")


def test_collect_writes_every_record_and_names_the_bad_ones(damaged, tmp_path, capsys):
    assert call(collect.main, ["--from", damaged, "--output", tmp_path / "results.csv"]) == 1
    lines = (tmp_path / "results.csv").read_text().splitlines()
    assert len(lines) == 24
    assert lines[0] == ",".join(records.COLUMNS)
    printed = capsys.readouterr().err
    assert "failed: the loss became NaN in epoch 3" in printed
    assert "seed1/result.json: damaged: not a record" in printed
    assert "23 records (2 damaged, 1 failed, 20 ok; sha256 " in printed


def test_results_csv_has_every_scalar_of_a_record_and_the_sizes_of_the_parts(tmp_path):
    given = record(best_test_epoch=17, train_accuracy=0.75, interruptions=2, side_by_side=5, searched=1)
    given |= {"clips": {"train": 160, "validation": 32, "test": 48}, "clips_at_a_time": 4, "precision": "tf32"}
    folder = write_run(tmp_path, given)
    row = records.read(tmp_path).iloc[0]
    read = json.loads((folder / "result.json").read_text())
    scalars = {name: value for name, value in read.items() if not isinstance(value, (dict, list))}
    assert row[list(scalars)].to_dict() == scalars
    assert row[[*records.WEIGHTS, *records.PARTS]].tolist() == [*given["parameters"].values(), 160, 32, 48]
    containers = {"parameters", "clips", "classes", "per_class_accuracy", "confusion", "search", "files"}
    assert set(Record.model_fields) - containers <= set(records.COLUMNS)


def test_results_csv_is_the_same_bytes_wherever_the_records_lie(tmp_path):
    for place in ("here", "there"):
        write_grid(tmp_path / place, ("lstm",), folds=1, seeds=2, extras=False)
        collect.main(tmp_path / place, tmp_path / f"{place}.csv")
    assert (tmp_path / "here.csv").read_bytes() == (tmp_path / "there.csv").read_bytes()


@pytest.mark.parametrize("damaged", [b"name: x\n", b"name: [\n", b"name: \xe4x\n"], ids=["key", "yaml", "encoding"])
def test_a_damaged_resolved_configuration_is_told_with_its_cure_and_a_users_own_without(tmp_path, damaged):
    resolved, own = tmp_path / "config.yaml", tmp_path / "own" / "mine.yaml"
    own.parent.mkdir()
    for path in (resolved, own):
        path.write_bytes(damaged)
    with pytest.raises(InputError, match=r"delete .*config\.yaml and rerun; it will be rebuilt"):
        configuration_of(tmp_path, resolved)
    with pytest.raises(InputError, match=r"mine\.yaml") as caught:
        configuration_of(tmp_path, own)
    assert "delete" not in str(caught.value)


def test_the_table_of_leakage_which_another_step_may_be_writing_is_not_taken_for_data(tmp_path):
    write_run(tmp_path, record())
    write_leakage(tmp_path)
    expected = len(gather(tmp_path).leakage)
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "leakage.csv").touch()
    assert len(gather(tmp_path).leakage) == expected == 4


def test_a_record_of_other_settings_is_outdated_and_enters_no_mean(tmp_path):
    model = {"format": "chance"}
    config = {
        "name": "x",
        "datasets": {"demo": {}},
        "models": {"chance": model},
        "folds": [0, 1],
        "protocols": ["group"],
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    for run in grid.runs(configuration_file.load(tmp_path / "config.yaml")):
        folder = write_run(tmp_path, record("chance", run.protocol, run.fold, run.seed))
        plain = json.loads(json.dumps(run.plain))
        plain["training"] |= {"learning_rate": 0.5} if run.fold else {}
        del plain["training"]["precision"]  # a key that is newer than the record has its default
        (folder / "specification.yaml").write_text(yaml.safe_dump(plain))
    results = gather(tmp_path)
    assert results.records["status"].tolist() == ["ok", "outdated"]
    assert len(results.successful_records) == 1
    assert results.excluded[["status", "failure"]].values.tolist() == [["outdated", "its settings have changed"]]
