"""Records are read whole, and what cannot be trusted is named, never dropped."""

import json

import pandas as pd
import pytest
import yaml
from synthetic_records import record, write_grid, write_leakage, write_run

from workflow.experiments import configuration_file, grid
from workflow.experiments.record import Record
from workflow.reporting import collect, models, records, tables
from workflow.reporting.records import configuration_of
from workflow.reporting.report import runs
from workflow.reporting.results import gather
from workflow.reporting.tables import accuracy, excluded
from workflow.storage import seal
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
    "more than 64 bits": (json.dumps(record(epochs=2**63)), "should be less than 9223372036854775808"),
    "text for a number": (json.dumps(record(fold="0")), "fold: '0' should be a valid integer"),
    "an old word": (
        json.dumps(record(protocol="published")),
        "unknown protocol 'published'; it is called 'random'",
    ),
    "ok without accuracy": (
        json.dumps(record(best_epoch_accuracy=None)),
        "status is ok but best_epoch_accuracy is null",
    ),
    "another run's": (json.dumps(seal.sealed(record(seed=1))), "seed is 1; expected 0, as in the folder name"),
}

EDITED = b"name: x\n" + configuration_file.SEAL.encode() + b"0\n"


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
    (tmp_path / "mine" / "result.json").write_text(json.dumps(seal.sealed(record("tt_lstm", fold=3))))
    table = records.read(tmp_path)
    assert (table["model"][0], table["fold"][0], table["status"][0]) == ("tt_lstm", 3, "ok")


def test_a_damaged_record_outside_the_layout_is_listed_and_stops_nothing(tmp_path):
    write_run(tmp_path, record(), extras=False)
    (tmp_path / "result.json").write_text("{")
    results = gather(tmp_path)
    assert results.experiments.values.tolist() == [["demo", "pixels", "fdht_lstm", "group"]]
    assert len(results.expected) == 1
    (sheet,) = excluded.TABLE.printed(results)
    assert [cell.text for cell in sheet.blocks[0][1][0]][:2] == ["damaged", "result.json"]


@pytest.mark.parametrize("name", ["../../../evil", r"x}\input{secret}", "<b>", ""])
@pytest.mark.parametrize("axis", ["dataset", "model", "family"])
def test_a_record_with_a_name_that_is_a_path_or_markup_is_damaged(tmp_path, axis, name):
    (tmp_path / "result.json").write_text(json.dumps(seal.sealed(record() | {axis: name})))
    table = records.read(tmp_path)
    assert list(table["status"]) == ["damaged"]
    assert table["failure"][0].startswith(f"not a record: {axis}: {name!r} ")


def test_the_name_of_a_folder_is_no_latex(tmp_path):
    write_run(tmp_path / "results", record(), extras=False)
    write_run(tmp_path / "results", record(dataset=r"x}\input{secret}"), extras=False)
    tables.write(gather(tmp_path / "results"), tmp_path / "tables", ["accuracy", "excluded"])
    written = [path for path in tmp_path.rglob("*.tex") if "\\input{secret}" in path.read_text()]
    assert [*written, *tmp_path.rglob("*secret*.tex")] == []


def test_the_same_run_twice_counts_once_and_is_named(tmp_path):
    write_run(tmp_path / "a", record(), extras=False)
    write_run(tmp_path / "b", record(), extras=False)
    table = records.read(tmp_path)
    assert sorted(table["status"]) == ["duplicate", "ok"]
    assert "the same run as a/runs/" in records.problems(table)[0]


def test_records_are_in_the_order_of_the_numbers_of_their_folds_and_seeds(tmp_path):
    for fold, seed in ((10, 0), (2, 10), (2, 9)):
        write_run(tmp_path, record(fold=fold, seed=seed), extras=False)
    assert records.read(tmp_path)[["fold", "seed"]].values.tolist() == [[2, 9], [2, 10], [10, 0]]


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
    containers = {"parameters", "clips", "classes", "per_class_accuracy", "confusion", "search", "files", "versions"}
    assert set(Record.model_fields) - containers <= set(records.COLUMNS)


def test_results_csv_is_the_same_bytes_wherever_the_records_lie(tmp_path):
    for place in ("here", "there"):
        write_grid(tmp_path / place, ("lstm",), folds=1, seeds=2, extras=False)
        collect.main(tmp_path / place, tmp_path / f"{place}.csv")
    assert (tmp_path / "here.csv").read_bytes() == (tmp_path / "there.csv").read_bytes()


@pytest.mark.parametrize("damaged", [b"name: x\n", b"name: [\n", b"name: \xe4x\n", EDITED])
def test_a_damaged_resolved_configuration_is_told_with_its_cure_and_a_users_own_without(tmp_path, damaged):
    resolved, own = tmp_path / "config.yaml", tmp_path / "own" / "mine.yaml"
    own.parent.mkdir()
    for path in (resolved, own):
        path.write_bytes(damaged)
    with pytest.raises(InputError, match=r"delete .*config\.yaml and rerun; it will be rebuilt$") as caught:
        configuration_of(tmp_path, resolved)
    assert str(caught.value).count(";") == 2, "one remedy"
    with pytest.raises(InputError, match=r"mine\.yaml") as caught:
        configuration_of(tmp_path, own)
    assert ("delete" in str(caught.value)) == (damaged == EDITED)


def test_the_table_of_leakage_which_another_step_may_be_writing_is_not_taken_for_data(tmp_path):
    write_run(tmp_path, record())
    write_leakage(tmp_path)
    expected = len(gather(tmp_path).leakage)
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "leakage.csv").touch()
    assert len(gather(tmp_path).leakage) == expected == 4


@pytest.fixture
def configured(tmp_path):
    """A folder with a configuration of two runs, both of which have records."""
    config = {
        "name": "x",
        "datasets": {"demo": {}},
        "models": {"chance": {"format": "chance"}},
        "folds": [0, 1],
        "protocols": ["group"],
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    for run in grid.runs(configuration_file.load(tmp_path / "config.yaml")):
        folder = write_run(tmp_path, record("chance", run.protocol, run.fold, run.seed))
        plain = json.loads(json.dumps(run.plain))
        del plain["training"]["precision"]  # a key that is newer than the record has its default
        (folder / "specification.yaml").write_text(yaml.safe_dump(plain))
    return tmp_path


def test_a_record_of_other_settings_is_outdated_and_enters_no_mean(configured):
    specification = next(configured.rglob("fold1/seed0/specification.yaml"))
    plain = yaml.safe_load(specification.read_text())
    plain["training"]["learning_rate"] = 0.5
    specification.write_text(yaml.safe_dump(plain))
    results = gather(configured)
    assert results.records["status"].tolist() == ["ok", "outdated"]
    assert len(results.successful_records) == 1
    assert results.excluded[["status", "failure"]].values.tolist() == [["outdated", "its settings have changed"]]


def test_records_that_the_configuration_does_not_ask_for_are_under_excluded_and_nowhere_else(configured):
    outside = [record("chance", "random"), record("chance", fold=2), record("chance", seed=1), record("linear")]
    outside += [record("tt_lstm", status="failed", failure="the loss became NaN", test_accuracy=None)]
    folders = [write_run(configured, values) for values in outside]
    (folders[0] / "result.json").write_text("{")
    results = gather(configured)
    assert results.records["status"].tolist() == ["ok", "ok"]
    assert len(results.excluded) == 0
    assert results.experiments.values.tolist() == [["demo", "pixels", "chance", "group"]]
    assert accuracy.build(results)["n"].tolist() == [2]
    assert models.known(results).keys() == {"chance"}
    assert len(runs.embedded(results)["runs"]) == 2
    found = excluded.build(results)
    assert set(found[["status", "failure"]].itertuples(index=False, name=None)) == {
        ("outdated", "not in the configuration")
    }
    assert sorted(found["record"]) == sorted(f"{path.relative_to(configured)}/result.json" for path in folders)
    assert "Excluded runs (5)." in excluded.TABLE.printed(results)[0].caption
    collect.main(configured, configured / "results.csv")  # which a record that nobody asks for does not stop
    assert (configured / "results.csv").read_text().count(",outdated,not in the configuration,") == 5
    (configured / "config.yaml").unlink()
    assert gather(configured).records["status"].value_counts().to_dict() == {"ok": 5, "damaged": 1, "failed": 1}


def test_missing_runs_are_printed_last_and_those_left_out_are_counted():
    frame = pd.DataFrame({"status": ["missing"] * 40 + ["outdated", "failed"]})
    (sheet,) = excluded.sheets(None, frame)
    assert sheet.rows["status"].tolist() == ["outdated", "failed"] + ["missing"] * 38
    assert sheet.notes == ["2 more are in excluded.csv."]
    (sheet,) = excluded.sheets(None, frame[2:])
    assert (len(sheet.rows), sheet.notes) == (40, [])


@pytest.mark.parametrize("data", [None, "y"])
def test_a_record_of_other_data_is_outdated_and_enters_no_mean(configured, data):
    text = (configured / "config.yaml").read_text()
    (configured / "config.yaml").write_text(text + f"data: {data}\n" * bool(data))
    folder = (configured.parent / data if data else configured) / "data" / "demo"
    folder.mkdir(parents=True)
    found = json.dumps({"digest": "synthetic"})
    (folder / "frames.json").write_text(found)
    assert gather(configured).records["status"].tolist() == ["ok", "ok"]
    (folder / "splits.json").write_text(json.dumps({"digests": {"group/0": "synthetic-group-0", "group/1": "new"}}))
    results = gather(configured)
    assert results.excluded[["fold", "status", "failure"]].values.tolist() == [[1, "outdated", "its data have changed"]]
    (folder / "frames.json").write_text(json.dumps({"digest": "new"}))
    assert gather(configured).records["status"].tolist() == ["outdated", "outdated"]
