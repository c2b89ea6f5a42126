"""Every column of every CSV file is described once, and the metadata describe the files as CSV on the Web wants it."""

import csv
import json
import re
from pathlib import Path

import pytest
from synthetic_records import record, write_leakage, write_run

from benchmarks import calibration, compare
from workflow.commands import tables
from workflow.datasets import catalogue, frames, listing, splits
from workflow.datasets.layouts import Clip
from workflow.reporting import collect, columns, records
from workflow.reporting.reported import Reported
from workflow.reporting.results import gather
from workflow.reporting.tables import TABLES, write
from workflow.training.record import PREDICTIONS

GPU = Path(__file__).parents[2] / "results" / "benchmarks" / "gpu"


def leakage() -> list[str]:
    clips = [Clip(f"{label}/{n}.avi", label, str(n), f"{label}{n}") for label in "ab" for n in range(10)]
    return list(splits.split(catalogue.dataset("demo"), clips, "random", 0, 0, 0.2)[1])


def written() -> dict[str, list[str]]:
    """The columns of every file whose code names them, as that code has them."""
    return {
        "results.csv": records.COLUMNS,
        "listing.csv": [*listing.COLUMNS],
        "clips.csv": [*frames.COLUMNS],
        "splits.csv": [*splits.COLUMNS],
        "leakage.csv": leakage(),
        "reported.csv": [*Reported.model_fields],
        "predictions.csv": [*PREDICTIONS, "probability_*"],
        "speed.csv": compare.COLUMNS,
        "compiled.csv": compare.COLUMNS,
        "calibration.csv": calibration.COLUMNS,
        **{name: columns.header(GPU / name) for name in ("side_by_side.csv", "front_ends.csv", "estimate.csv")},
        "tests.csv": columns.header(GPU / "tests.csv"),
    }


def test_every_file_has_the_columns_that_its_code_writes():
    for file, names in written().items():
        assert list(columns.FILES[file]["columns"]) == names, file


def test_every_table_has_the_columns_that_it_is_built_with(results):
    built = {f"tables/{name}.csv": list(table.build(results).columns) for name, table in TABLES.items()}
    assert {file: list(columns.FILES[file]["columns"]) for file in columns.FILES if file in built} == built


def test_no_file_is_described_that_does_not_exist():
    of_benchmarks = {"plans.csv", "kernels.csv", "devices.csv"}  # see tests/benchmarks
    assert columns.FILES.keys() == written().keys() | of_benchmarks | {f"tables/{name}.csv" for name in TABLES}


def test_every_column_is_described_and_every_description_is_used():
    used = set()
    for file, about in columns.FILES.items():
        for name, own in about["columns"].items():
            found = columns.entry(file, name)
            assert all(found or [None]), (file, name)
            assert "|" not in found.meaning  # separates the cells of columns.md
            if own is None:
                ending = next((one for one in columns.DICTIONARY["endings"] if name.endswith(one)), "")
                used |= {name, name.removesuffix(ending), ending}
    assert columns.DICTIONARY["shared"].keys() | columns.DICTIONARY["endings"].keys() <= used


def test_a_description_comes_from_the_file_then_shared_then_the_record_then_the_ending():
    assert columns.entry("speed.csv", "n") == ("count", "timed calls")
    assert columns.entry("tables/accuracy.csv", "n") == (
        "count",
        "runs behind the estimate; folds, for a baseline that is fitted without a seed",
    )
    about = records.KEYS["test_accuracy"]["description"]
    assert columns.entry("results.csv", "test_accuracy") == ("fraction", about)
    assert columns.entry("tables/accuracy.csv", "test_accuracy_mean") == ("fraction", f"mean over the n runs: {about}")
    assert columns.entry("results.csv", "step_ms") == ("ms", records.KEYS["step_ms"]["description"])
    assert columns.entry("tables/leakage.csv", "n_train_group").unit == "mean count"
    assert columns.entry("predictions.csv", "probability_10") == (
        "probability",
        "probability of the class with this index",
    )
    assert columns.entry("mine.csv", "letters") is None


def test_the_generated_files_are_up_to_date(root):
    for path, text in columns.files().items():
        assert (root / path).read_text() == text, f"{path} is out of date: run python -m workflow.reporting.columns"


# --- the rules of https://www.w3.org/TR/tabular-metadata/ and tabular-data-model/ that these files need

LEXICAL = {  # 6.4 of the data model: what a cell may hold; the default format of numbers has no thousands separator
    "string": r"(?s:.*)",
    "integer": r"[-+]?\d+",
    "number": r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?|NaN|-?INF",
}
OF_TABLE = {"url", "tableSchema", "@context"}
OF_COLUMN = {"name", "titles", "datatype"}


def validate(metadata: Path) -> list[str]:
    """Check metadata and every cell of the files that they describe; return the files."""
    content = json.loads(metadata.read_text())
    assert content["@context"] == "http://www.w3.org/ns/csvw"
    tables = content.get("tables", [content])
    assert tables, "a group of tables must have some"
    assert content.keys() <= OF_TABLE | {"tables", "dc:title", "dc:provenance", "dc:hasPart"}
    for table in tables:
        assert {key for key in table if ":" not in key} <= OF_TABLE
        schema = table.get("tableSchema", content.get("tableSchema"))  # that of the group is the default
        with (metadata.parent / table["url"]).open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        names = [column["name"] for column in schema["columns"]]
        assert len(set(names)) == len(names)
        assert [column["titles"] for column in schema["columns"]] == header
        for place, column in enumerate(schema["columns"]):
            assert {key for key in column if key.partition(":")[0] not in ("dc", "schema")} <= OF_COLUMN
            assert re.fullmatch(r"[A-Za-z0-9.][A-Za-z0-9_.]*", column["name"])  # an underscore must not come first
            datatype = column["datatype"]
            if isinstance(datatype, dict):
                assert (datatype["base"], datatype["format"].count("|")) == ("boolean", 1)
            # the format of a boolean: the text for true, a bar, the text for false
            allowed = datatype["format"] if isinstance(datatype, dict) else LEXICAL[datatype]
            wrong = [row[place] for row in rows if row[place] and not re.fullmatch(allowed, row[place])]
            assert not wrong, (table["url"], column, wrong[:3])
    return [table["url"] for table in tables]


def test_the_metadata_of_a_folder_of_results_describe_every_cell(few, tmp_path):
    results = gather(few)
    for name in ("lstm", "ht_lstm"):
        write_run(tmp_path, record(name, dataset="ucf11"))
        write_run(tmp_path, record(name, "random", fold=1))
    write_leakage(tmp_path)
    collect.write(records.read(tmp_path), tmp_path / "results.csv")
    write(results, tmp_path / "tables", list(TABLES))
    assert validate(tmp_path / "csv-metadata.json") == ["results.csv"]
    assert validate(tmp_path / "data/demo/csv-metadata.json") == ["leakage.csv"]
    runs = [f"pixels/{name}/random/fold1/seed0/predictions.csv" for name in ("ht_lstm", "lstm")]
    assert validate(tmp_path / "runs/demo/csv-metadata.json") == runs
    assert len(validate(tmp_path / "runs/ucf11/csv-metadata.json")) == 2
    for name in TABLES:
        assert validate(tmp_path / "tables" / f"{name}.csv-metadata.json") == [f"{name}.csv"]
    assert (tmp_path / "columns.md").read_text() == columns.page()


def test_tables_of_a_folder_of_records_come_with_the_dictionary(tmp_path):
    write_run(tmp_path, record())
    tables.main(tmp_path, tables=["cost"])
    assert (tmp_path / "columns.md").read_text() == columns.page()
    tables.main(tmp_path, tmp_path / "elsewhere", tables=["cost"])
    assert not (tmp_path / "elsewhere" / "columns.md").exists()  # next to other files


def test_a_failed_and_a_damaged_run_are_described(damaged, tmp_path):
    collect.write(records.read(damaged), tmp_path / "results.csv")
    assert validate(tmp_path / "csv-metadata.json") == ["results.csv"]


def test_a_folder_whose_files_have_other_columns_lists_them_one_by_one(tmp_path):
    folder = tmp_path / "data" / "demo"
    folder.mkdir(parents=True)
    (folder / "splits.csv").write_text("protocol,fold,clip,part\ngroup,0,a.avi,train\n")
    (folder / "clips.csv").write_text(f"{','.join(frames.COLUMNS)}\na.avi,a,1,a1,,30,29.97,320,240,,ok\n")
    columns.describe(tmp_path)
    assert validate(folder / "csv-metadata.json") == ["clips.csv", "splits.csv"]


def test_bytes_that_are_no_text_do_not_stop_the_description(tmp_path):
    folder = write_run(tmp_path, record())
    (folder / "predictions.csv").write_bytes(b"\xff\x00,\xfe")
    columns.describe(tmp_path)
    assert "fold0/seed0/predictions.csv" in (tmp_path / "runs" / "demo" / "csv-metadata.json").read_text()


@pytest.mark.parametrize("metadata", ["gpu/csv-metadata.json", "calibration.csv-metadata.json"])
def test_the_measurements_that_come_with_the_project_are_described(metadata):
    assert validate(GPU.parent / metadata)
