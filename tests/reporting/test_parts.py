"""Sizes of the parts and sources on both sides, wherever the two protocols are compared."""

import pandas as pd
import pytest
from synthetic_records import write_grid, write_leakage

from workflow.commands import tables
from workflow.reporting.report import page as report
from workflow.reporting.results import gather
from workflow.reporting.tables import accuracy, leakage, parts

SETS = ("ucf11", "hmdb51", "youtube_celebrities")


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Three sets: nothing on both sides; sources of other classes; half of the training clips under group."""
    root = tmp_path_factory.mktemp("three")
    for dataset in SETS:
        write_grid(root, ("lstm", "fdht_lstm"), folds=2, seeds=1, dataset=dataset)
    write_leakage(root, "ucf11", folds=5)
    write_leakage(root, "hmdb51", folds=3, across=0.25)
    write_leakage(root, "youtube_celebrities", folds=3, train=80)
    return root


@pytest.fixture
def results(three):
    return gather(three)


def test_the_table_counts_sources_of_any_class_and_clips_beside_those_of_the_same_class(results):
    table = leakage.build(results).drop_duplicates("dataset").set_index("dataset")
    assert table["sibling_group"].tolist() == [0, 0, 0]
    assert table["sibling_any_class_group"].tolist() == [0, 0.25, 0]
    assert table["sibling_any_class_random"].tolist() == [1, 1, 1]
    assert table["train_clips_group"].tolist() == [160, 160, 80]
    assert table["train_clips_random"].tolist() == [160, 160, 160]


def test_every_fold_that_is_run_has_its_sizes_in_the_printed_table(results, tmp_path):
    tables.write(results, tmp_path, ["leakage"])
    text = (tmp_path / "leakage.md").read_text()
    for words in (
        "Parts under both protocols, YouTube Celebrities.",
        "| 1 | 80 | 32 | 48 | 28.6 | 20, 4, 6 | 0.0 | 0.0 |",
        "| 1 | 160 | 32 | 48 | 16.7 | 20, 4, 6 | 0.0 | 25.0 |",
        "YouTube Celebrities 160 and 80; there the protocols differ by the size of the training part too.",
        "of the same source in any class: 100.0 % and 25.0 %.",
        parts.NAMES,
    ):
        assert words in text
    assert "| 2 | 160" not in text  # a fold without runs
    assert text.count(parts.NAMES) == 1
    page = report.page(results)
    assert "Siblings,<br>any class" in page


def test_what_group_keeps_apart_is_said_as_the_data_show_it(results):
    names = ["no source on both sides", "no source of the same class on both sides", "no source on both sides"]
    assert [parts.promise(results, dataset) for dataset in SETS] == names
    titles = [sheet.blocks[0][0] for sheet in accuracy.sheets(results)]
    assert titles == [f"Protocol group: {name}" for name in names]


def test_a_record_made_before_they_were_counted_is_read_and_promises_less(tmp_path):
    write_grid(tmp_path, ("lstm",), folds=1, seeds=1)
    write_leakage(tmp_path, folds=1, later=False)
    results = gather(tmp_path)
    assert parts.promise(results, "demo") == "no source of the same class on both sides"
    assert leakage.build(results)["sibling_any_class_group"].isna().all()
    text = parts.siblings_text(results, "demo")
    assert text.endswith("train or validation: 100.0 % under random, 0.0 % under group.")
    tables.write(results, tmp_path / "tables", ["leakage"])
    assert "| 0 | 160 | 32 | 48 | 16.7 | — | 0.0 | — |" in (tmp_path / "tables" / "leakage.md").read_text()


def test_without_the_table_of_the_splits_nothing_is_claimed(tmp_path):
    write_grid(tmp_path, ("lstm",), folds=1, seeds=1)
    results = gather(tmp_path)
    assert parts.promise(results, "demo") == "no source of the same class on both sides"
    assert parts.sheet(results, "demo") == []
    assert pd.isna(leakage.build(results)["train_clips_group"]).all()
