"""Sizes of the parts and sources on both sides, wherever the two protocols are compared."""

import pandas as pd
import pytest
from synthetic_records import write_grid, write_leakage

from workflow.commands import tables
from workflow.reporting import splits
from workflow.reporting.results import gather
from workflow.reporting.tables import TABLES, leakage

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
    return gather(root)


def lines(path):
    """The lines of a Markdown file without the padding of its cells."""
    return [" ".join(line.split()) for line in path.read_text().splitlines()]


def test_the_table_counts_sources_of_any_class_and_clips_beside_those_of_the_same_class(three):
    table = leakage.build(three).drop_duplicates("dataset").set_index("dataset")
    assert table["test_with_sibling_in_train_group"].tolist() == [0, 0, 0]
    assert table["test_with_sibling_of_any_class_group"].tolist() == [0, 0.25, 0]
    assert table["test_with_sibling_of_any_class_random"].tolist() == [1, 1, 1]
    assert table["n_train_group"].tolist() == [160, 160, 80]
    assert table["n_train_random"].tolist() == [160, 160, 160]
    assert table["train_sources_per_class_group"].tolist() == [2.5, 2.5, 2.5]


def test_every_fold_that_is_run_has_its_sizes_in_the_printed_table(three, tmp_path):
    tables.write(three, tmp_path, ["splits"])
    found = lines(tmp_path / "splits.md")
    assert "**Splits under every protocol, YouTube Celebrities.**" in found
    assert "| 1 | 80 | 32 | 48 | 28.6 | 20, 4, 6 | 2.5 | 0.0 | 0.0 |" in found
    assert "| 1 | 160 | 32 | 48 | 16.7 | 20, 4, 6 | 2.5 | 0.0 | 25.0 |" in found
    assert not [line for line in found if line.startswith("| 2 | 160")]  # a fold without runs
    assert set(pd.read_csv(tmp_path / "splits.csv")["fold"]) == {0, 1}


def test_the_sizes_of_both_protocols_stand_below_what_random_adds(three):
    notes = [printed.notes[1] for printed in TABLES["leakage"].printed(three)]
    assert notes[1].endswith("100.0 and 25.0 % one of the same source in any class.")
    assert notes[2].startswith("Under random and group: 160 and 80 training clips from 3.0 and 2.5 sources per class")


def test_what_group_keeps_apart_is_as_the_data_show_it(three):
    names = ["no source on both sides", "no source of the same class on both sides", "no source on both sides"]
    assert [splits.promise(three, dataset) for dataset in SETS] == names
    titles = [printed.blocks[0][0] for printed in TABLES["accuracy"].printed(three)]
    assert titles == [f"Protocol group: {name}" for name in names]


def test_a_file_of_an_earlier_version_is_read_and_promises_less(tmp_path):
    write_grid(tmp_path, ("lstm",), folds=1, seeds=1)
    write_leakage(tmp_path, folds=1, later=False)
    results = gather(tmp_path)
    assert splits.promise(results, "demo") == "no source of the same class on both sides"
    assert leakage.build(results)["test_with_sibling_of_any_class_group"].isna().all()
    tables.write(results, tmp_path / "tables", ["splits"])
    assert "| 0 | 160 | 32 | 48 | 16.7 | — | — | 0.0 | — |" in lines(tmp_path / "tables" / "splits.md")


def test_without_the_file_nothing_is_claimed(tmp_path):
    write_grid(tmp_path, ("lstm",), folds=1, seeds=1)
    results = gather(tmp_path)
    assert splits.promise(results, "demo") == "no source of the same class on both sides"
    assert [sheet.notes for sheet in TABLES["leakage"].printed(results)] == [[leakage.NOTE]]
    assert TABLES["splits"].printed(results) == []
    assert pd.isna(leakage.build(results)["n_train_group"]).all()
