"""accuracy: columns, values, excluded runs, marks, bytes."""

import json
import shutil

import pandas as pd
import pytest
from synthetic_records import record, write_grid, write_run

from workflow.commands import figures, tables
from workflow.reporting.report import page as report
from workflow.reporting.results import gather
from workflow.reporting.statistics import marks
from workflow.reporting.tables import TABLES, accuracy
from workflow.storage.command_line import call
from workflow.storage.errors import InputError

COLUMNS = [
    *("dataset", "front_end", "model", "protocol", "n", "folds", "test_accuracy_mean", "test_accuracy_std"),
    *("final_epoch_accuracy_mean", "final_epoch_accuracy_std"),
    *("best_epoch_accuracy_mean", "best_epoch_accuracy_std", "weights"),
]


def written(root, output, *options):
    call(tables.main, ["--from", root, "--output", output, *options])
    return output


def test_the_csv_has_the_agreed_columns_and_the_right_means(tmp_path):
    for seed, value in enumerate((0.5, 0.6, 0.7)):
        accuracies = {"test_accuracy": value, "final_epoch_accuracy": value - 0.1, "best_epoch_accuracy": value + 0.1}
        write_run(tmp_path, record(seed=seed, **accuracies), extras=False)
    table = pd.read_csv(written(tmp_path, tmp_path / "tables") / "accuracy.csv")
    assert list(table.columns) == COLUMNS
    row = table.iloc[0]
    assert (row["n"], row["folds"], row["weights"]) == (3, 1, 3648)
    assert (row["test_accuracy_mean"], row["test_accuracy_std"]) == pytest.approx((0.6, 0.1))
    assert (row["final_epoch_accuracy_mean"], row["final_epoch_accuracy_std"]) == pytest.approx((0.5, 0.1))
    assert (row["best_epoch_accuracy_mean"], row["best_epoch_accuracy_std"]) == pytest.approx((0.7, 0.1))


def test_without_a_validation_part_the_runs_count_and_the_chosen_epoch_is_empty(tmp_path):
    for seed in range(3):
        unvalidated = dict.fromkeys(("test_accuracy", "validation_accuracy", "best_epoch"))
        write_run(tmp_path, record(protocol="random", seed=seed, **unvalidated), extras=False)
    table = pd.read_csv(written(tmp_path, tmp_path / "tables") / "accuracy.csv")
    row = table.iloc[0]
    assert row["n"] == 3
    assert pd.isna(row["test_accuracy_mean"])
    assert row["final_epoch_accuracy_mean"] > 0


def test_one_run_has_no_deviation(tmp_path):
    write_run(tmp_path, record(), extras=False)
    table = pd.read_csv(written(tmp_path, tmp_path / "tables") / "accuracy.csv")
    assert table["test_accuracy_std"].isna().all()
    assert "±" not in (tmp_path / "tables" / "accuracy.md").read_text().split("\n- ")[0]


@pytest.mark.parametrize("form", ["tex", "md"])
def test_both_accuracies_are_labelled(synthetic, tmp_path, form):
    text = (written(synthetic, tmp_path, "--tables", "accuracy") / f"accuracy.{form}").read_text()
    text = " ".join(text.replace(r"\\", " ").split())  # LaTeX breaks headings into lines
    for words in ("epoch chosen", "on validation", "best test epoch"):
        assert words in text
    assert "Protocol group" in text
    assert "Protocol random" in text


def test_sanity_baselines_are_rows(results):
    assert {"chance", "nearest_neighbour", "linear", "thumbnail_lstm"} <= set(accuracy.build(results)["model"])


def test_models_stand_in_the_order_of_the_layout_with_variants_beside_them(tmp_path):
    for model in ("zebra", "fdht_lstm", "tt_lstm_authors", "lstm", "tt_lstm"):
        write_run(tmp_path, record(model), extras=False)
    assert list(accuracy.build(gather(tmp_path))["model"]) == [
        "lstm", "tt_lstm", "tt_lstm_authors", "fdht_lstm", "zebra",
    ]  # fmt: skip


def test_no_records_make_an_empty_table_that_says_so(tmp_path):
    tables.write(gather(tmp_path), tmp_path / "tables", ["accuracy"])
    assert (tmp_path / "tables" / "accuracy.csv").read_text().strip() == ",".join(COLUMNS)
    assert "No records yet" in (tmp_path / "tables" / "accuracy.md").read_text()
    assert "No records yet" in (tmp_path / "tables" / "accuracy.tex").read_text()


def test_a_folder_without_records_is_an_error_of_one_sentence(tmp_path):
    with pytest.raises(
        InputError,
        match=r": no result\.json in this folder or below it; without .*: parameters, complexity$",
    ):
        call(tables.main, ["--from", tmp_path])
    assert not list(tmp_path.iterdir())


def test_tables_lie_beside_the_records_unless_told_otherwise(tmp_path):
    write_run(tmp_path, record(), extras=False)
    call(tables.main, ["--from", tmp_path, "--tables", "accuracy"])
    assert (tmp_path / "tables" / "accuracy.csv").is_file()


@pytest.mark.parametrize("step", [tables, figures, report])
@pytest.mark.parametrize("place", ["file", "file/below", "/proc/none/below", "folder"])
def test_a_place_that_cannot_be_written_to_is_one_sentence(few, tmp_path, monkeypatch, step, place):
    monkeypatch.setattr(report, "images", lambda _: [])  # drawing only takes time
    drawn = {"figures": ["accuracy_parameters"]} if step is figures else {}
    (tmp_path / "file").touch()
    name = "report.html" if step is report else "accuracy.csv" if step is tables else "accuracy_parameters.pdf"
    (tmp_path / "folder" / name).mkdir(parents=True)
    output = tmp_path / place / name if step is report else tmp_path / place
    with pytest.raises(OSError, match=r"^\[Errno \d+\] [A-Z][a-z ]+: '.*'$"):
        step.main(few, output, **drawn)


@pytest.mark.parametrize(("folds", "shown"), [(1, False), (2, True)])
def test_no_table_prints_an_interval_of_a_single_fold(tmp_path, folds, shown):
    models = ("lstm", "ht_lstm", "fdht_lstm")
    write_grid(tmp_path, models, folds=folds, seeds=6 // folds, dataset="ucf11", extras=False)
    for name in ("leakage", "comparison", "claims", "factors"):
        rows = [row for sheet in TABLES[name].printed(gather(tmp_path)) for _, block in sheet.blocks for row in block]
        assert any(cell.text.startswith("[") for row in rows for cell in row) == shown


def test_counts_without_records_say_nothing_of_records(tmp_path):
    tables.write(gather(tmp_path), tmp_path / "tables", ["parameters"])
    assert "record" not in (tmp_path / "tables" / "parameters.md").read_text().splitlines()[0]


def test_excluded_runs_are_named(damaged, tmp_path):
    text = (written(damaged, tmp_path) / "accuracy.md").read_text()
    assert text.count(" 3 of 4 (") == 4
    for remark in ("1 missing", "1 failed", "1 damaged"):
        assert remark in text
    table = pd.read_csv(tmp_path / "excluded.csv")
    assert sorted(table["status"]) == ["damaged", "damaged", "failed", "missing"]
    assert set(table[table["status"] == "failed"]["failure"]) == {"the loss became NaN in epoch 3"}
    missing = table[table["status"] == "missing"].iloc[0]
    assert (missing["model"], missing["protocol"], missing["fold"], missing["seed"]) == ("lstm", "group", 0, 1)


def test_a_model_without_a_good_run_keeps_its_row(tmp_path):
    write_grid(tmp_path, ("lstm",), folds=1, extras=False)
    broken = record("tt_lstm", status="failed", failure="out of memory", test_accuracy=None, best_epoch_accuracy=None)
    write_run(tmp_path, broken, extras=False)
    table = accuracy.build(gather(tmp_path)).set_index(["model", "protocol"])
    assert table.loc[("tt_lstm", "group"), "n"] == 0
    assert "0 of 2" in (written(tmp_path, tmp_path / "t") / "accuracy.md").read_text()


def test_nothing_is_bold_inside_the_noise(tmp_path):
    for fold, (one, two) in enumerate([(0.50, 0.60), (0.62, 0.50), (0.55, 0.56), (0.57, 0.51)]):
        write_run(tmp_path, record("tt_lstm", fold=fold, test_accuracy=one), extras=False)
        write_run(tmp_path, record("fdht_lstm", fold=fold, test_accuracy=two), extras=False)
    assert marks(gather(tmp_path), "test_accuracy", "demo", "pixels", "group") == {}


def test_best_and_second_are_marked_where_the_paired_tests_tell_them_apart(tmp_path):
    for fold, noise in enumerate((0.0, 0.11, -0.07, 0.05, 0.02)):  # shared by the models: only pairs see through it
        for model, level, jitter in (("tt_lstm", 0.4, 0.004), ("ht_lstm", 0.5, -0.003), ("fdht_lstm", 0.6, 0.002)):
            value = level + noise + jitter * fold
            write_run(tmp_path, record(model, fold=fold, test_accuracy=round(value, 4)), extras=False)
    results = gather(tmp_path)
    assert marks(results, "test_accuracy", "demo", "pixels", "group") == {"fdht_lstm": "best", "ht_lstm": "second"}
    tex = (written(tmp_path, tmp_path / "t") / "accuracy.tex").read_text()
    assert r"\textbf{62.6$\pm$" in tex
    assert r"\underline{" in tex


def test_seeds_of_one_fold_earn_no_mark(tmp_path):
    for seed in range(9):
        write_run(tmp_path, record("tt_lstm", seed=seed, test_accuracy=0.1), extras=False)
        write_run(tmp_path, record("fdht_lstm", seed=seed, test_accuracy=0.9), extras=False)
    assert marks(gather(tmp_path), "test_accuracy", "demo", "pixels", "group") == {}


def test_records_of_different_data_are_pointed_out(tmp_path):
    write_run(tmp_path, record(seed=0), extras=False)
    write_run(tmp_path, record(seed=1, data_digest="another"), extras=False)
    assert "records mix 2 versions of the data" in (written(tmp_path, tmp_path / "t") / "accuracy.md").read_text()


def test_the_same_records_give_the_same_bytes_wherever_they_lie(few, tmp_path):
    shutil.copytree(few, tmp_path / "copy")
    first, second = written(few, tmp_path / "one"), written(tmp_path / "copy", tmp_path / "two")
    names = sorted(path.relative_to(first) for path in first.rglob("*.*"))
    assert len([name for name in names if len(name.parts) == 1]) == 4 * len(TABLES)
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_every_file_says_where_it_comes_from(few, tmp_path):
    written(few, tmp_path)
    for name in TABLES:
        for form in ("tex", "md"):
            assert "from 12 records (12 ok; sha256 " in (tmp_path / f"{name}.{form}").read_text()
        notes = json.loads((tmp_path / f"{name}.csv-metadata.json").read_text())
        assert notes["url"] == f"{name}.csv"
        assert "runs made at commit 000000000000" in notes["dc:provenance"]
        assert not (tmp_path / f"{name}.csv").read_text().startswith("#")  # plain readers know no comments in CSV


def test_a_changed_record_changes_the_provenance(few, tmp_path):
    shutil.copytree(few, tmp_path / "copy")
    before = gather(tmp_path / "copy").provenance.records
    write_run(tmp_path / "copy", record(test_accuracy=0.1))
    assert gather(tmp_path / "copy").provenance.records != before
