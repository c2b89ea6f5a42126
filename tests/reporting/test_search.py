"""The table of what a search kept: counted by hand."""

import pandas as pd
import pytest
from synthetic_records import record, write_run

from workflow.reporting.results import gather
from workflow.reporting.tables import TABLES, search

RATES = (0.001, 0.01, 0.1)
VALIDATION = {  # (model, seed) -> accuracy on validation clips with each rate; None: that training failed
    ("tt_lstm", 0): (0.2, 0.6, 0.4),
    ("tt_lstm", 1): (0.3, 0.5, 0.7),
    ("fdht_lstm", 0): (0.1, 0.8, None),
}


def searched(settings, accuracies, **own):
    """A record that searched; accuracies of its candidates on validation clips."""
    best = max(range(len(settings)), key=lambda index: accuracies[index] or 0)
    tried = [{"settings": one, "epochs": 20} for one in settings]
    for entry, accuracy in zip(tried, accuracies, strict=True):
        entry |= {"failure": "the loss is not a number"} if accuracy is None else {"validation_accuracy": accuracy}
    return record(search=tried, searched=best, **own)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    root = tmp_path_factory.mktemp("search")
    for (model, seed), accuracies in VALIDATION.items():
        settings = [{"learning_rate": rate} for rate in RATES]
        write_run(root, searched(settings, accuracies, model=model, seed=seed))
    write_run(root, record("lstm"))  # without a search
    return gather(root)


def test_every_value_has_its_runs_and_their_mean(found):
    table = search.build(found).set_index(["model", "value"])
    assert set(table["setting"]) == {"learning_rate"}
    assert table.loc["tt_lstm", "kept"].to_dict() == {"0.001": 0, "0.01": 1, "0.1": 1}
    assert table.loc["tt_lstm", "n"].tolist() == [2, 2, 2]
    assert table.loc["tt_lstm", "validation_accuracy"].tolist() == pytest.approx([0.25, 0.55, 0.55])
    assert table.loc["fdht_lstm", "kept"].tolist() == [0, 1, 0]
    assert pd.isna(table.loc[("fdht_lstm", "0.1"), "validation_accuracy"])
    assert "lstm" not in table.index


def test_a_row_prints_the_values_in_the_order_of_the_search(found):
    (sheet,) = TABLES["search"].printed(found)
    ((title, rows),) = sheet.blocks
    assert title == "Protocol group: learning rate 0.001, 0.01, 0.1"
    assert [[cell.text for cell in row] for row in rows] == [
        ["TT-LSTM", "2", "0, 1, 1", "25.0, 55.0, 55.0"],
        ["FDHT-LSTM", "1", "0, 1, 0", "10.0, 80.0, —"],
    ]


def test_of_a_grid_the_best_candidate_with_a_value_counts(tmp_path):
    settings = [{"learning_rate": rate, "batch_size": size} for rate in RATES[:2] for size in (8, 16)]
    write_run(tmp_path, searched(settings, (0.2, 0.5, 0.9, 0.3)))
    table = search.build(gather(tmp_path)).set_index(["setting", "value"])
    assert table["validation_accuracy"].to_dict() == {
        ("learning_rate", "0.001"): 0.5,
        ("learning_rate", "0.01"): 0.9,
        ("batch_size", "8"): 0.9,
        ("batch_size", "16"): 0.5,
    }
    assert table["kept"].tolist() == [0, 1, 1, 0]
    assert len(TABLES["search"].printed(gather(tmp_path))[0].blocks) == 2


def test_without_a_search_nothing_is_printed(tmp_path):
    write_run(tmp_path, record("lstm"))
    results = gather(tmp_path)
    assert search.build(results).empty
    assert TABLES["search"].printed(results) == []
