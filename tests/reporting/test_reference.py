"""The records that come with the project: whole, without clip names, and as the README quotes them."""

import json
import re

import pandas as pd
import pytest
from quoted import WIDER, behind_bt, best_under_random, differences, every_test, phrases, smallest_p, wider

import baselines
from workflow.commands import reference
from workflow.experiments import grid
from workflow.experiments.configuration_file import load
from workflow.reporting import columns, figures, models, records, tables
from workflow.reporting.paper import article
from workflow.reporting.report import page
from workflow.reporting.statistics import holm
from workflow.reporting.tables import accuracy, comparison, factors
from workflow.storage.errors import InputError

# accuracies, which have a protocol, in percent; counts and ratios as they are
UNIT_OF_THE_ROW = {("claims", "found"), *(("comparison", key) for key in ("reported", "reproduced", "difference"))}


def test_every_run_of_the_configuration_is_there(shipped, root):
    wanted = [run.plain for run in grid.runs(load(root / "config" / "reference.yaml"))]
    assert [run.plain for run in grid.runs(shipped.config)] == wanted, "the configuration has changed since"
    assert shipped.excluded.empty
    assert len(shipped.records) == len(wanted)


def test_every_experiment_counts_its_folds_and_seeds(shipped):
    for row in accuracy.build(shipped).itertuples():
        if models.get(shipped, row.model).recipe == "authors":
            expected = 2, 4
        elif models.is_fitted(shipped, row.dataset, row.front_end, row.model):
            expected = 4, 4
        else:
            three = row.protocol.startswith("siblings") or row.model.endswith(WIDER)
            expected = 4, 20 if row.front_end == "efficientnet_lite2" and not three else 12
        assert (row.folds, row.n) == expected, row


def test_the_gap_between_the_protocols_is_that_of_the_accuracies(shipped):
    table = factors.build(shipped)
    rows = table[(table["factor"] == "protocol") & (table["measure"] == "test_accuracy")].set_index("front_end")
    means = accuracy.build(shipped).set_index(["front_end", "protocol", "model"])["test_accuracy_mean"].sort_index()
    for front_end in ("pixels", "efficientnet_lite2"):
        row = rows.loc[front_end]
        gaps = (means[front_end, "random"] - means[front_end, "group"])[row["first"].split()]
        assert row["difference"] == pytest.approx(gaps.mean())
        assert row["low"] < row["difference"] < row["high"]
        assert row["folds"] == 4


def test_a_part_of_a_set_is_not_judged_by_published_accuracies(shipped):
    table = comparison.build(shipped)
    held = table[(table["metric"] == "accuracy") & table["reported"].notna() & table["reproduced"].notna()]
    assert set(held["verdict"]) == {"part of the set"}
    assert held["difference"].isna().all()


def test_the_readme_quotes_the_records(shipped, root):
    readme = " ".join((root / "README.md").read_text(encoding="utf-8").split())
    for text in phrases(shipped):
        assert text in readme
    assert "It is not shown to differ from any other format" in readme
    assert smallest_p(shipped) > shipped.layout["significance"]
    averaged = factors.build(shipped).query("factor == 'protocol'").groupby("front_end")["first"].first()
    assert averaged.str.split().str.len().to_dict() == {"pixels": 10, "efficientnet_lite2": 13}
    assert "no trained model has a higher mean than an untrained nearest neighbour" in readme
    assert best_under_random(shipped) == {"nearest_neighbour"}
    assert "No model is shown to gain" in readme
    table = wider(shipped)
    assert (table["low"] < 0).all()
    assert set(table["first"]) == {name for name in shipped.config.models if name.endswith(WIDER)}


def test_the_documentation_lists_every_difference(shipped, root):
    text = (root / "docs" / "results.md").read_text(encoding="utf-8")
    lines = text.splitlines()
    behind = f"by {behind_bt(shipped, '')} points with three rates and {behind_bt(shipped, WIDER)} points with five"
    assert behind in " ".join(text.split())
    assert [line for line in lines if "| three |" in line or "| five |" in line] == differences(shipped)
    found = every_test(shipped, "") | every_test(shipped, WIDER)
    assert [key for key, one in found.items() if one.low > 0 or one.high < 0] == [("pixels", "bt_lstm", 0)]
    for end in ("", WIDER):
        assert min(holm([one.p for one in every_test(shipped, end).values()])) > shipped.layout["significance"]


def test_the_readme_counts_the_weights_on_features_as_the_paper_configuration_does(root):
    config = load(root / "config/paper.yaml")
    names = ["tt_lstm", "tr_lstm", "bt_lstm", "ht_lstm", "fdht_lstm", "fdht_lstm_deep"]
    found = {run.model: run.recurrent for run in grid.runs(config) if run.front_end == "inception_v3"}
    counts = {name: baselines.declare(**found[name]).parameters() for name in names}
    weights = {name: count["W"] + count["U"] for name, count in counts.items()}
    fewer = [weights[rival] / weights[own] for rival in names[:4] for own in names[4:]]
    assert f"({min(fewer):,.0f} to {max(fewer):,.0f})" in (root / "README.md").read_text(encoding="utf-8")


def entries(results):
    """Every printed entry: the key of its column with the table, its heading, its text and the row of the CSV."""
    for table in tables.TABLES.values():
        rows_of = {sheet.part: sheet.rows for sheet in table.sheets(results, table.build(results))}
        for printed in table.printed(results):
            blocks = rows_of[printed.name.removeprefix(table.name).removeprefix("-")].groupby("block", sort=False)
            rows = [row for _, block in blocks for row in block.to_dict("records")]
            for row, cells in zip(rows, (cells for _, block in printed.blocks for cells in block), strict=True):
                for column, cell in zip(printed.columns, cells, strict=True):
                    yield (table.name, column.key), column.heading, cell.text, row


def test_every_printed_number_is_that_of_the_csv_in_the_unit_of_its_heading(shipped):
    checked = set()
    for (table, key), heading, text, row in entries(shipped):
        percent = row["protocol"] if (table, key) in UNIT_OF_THE_ROW else re.search("%|points", heading, re.IGNORECASE)
        ends = [key.replace("interval", end) for end in ("low", "high")]
        values = [row.get(name) for name in (ends if ends[0] != key else [key if key in row else f"{key}_mean"])]
        if not all(isinstance(value, int | float) for value in values):
            continue
        numbers = re.findall(r"(?<![<\d.])[-+]?\d[\d.]*", text.translate({0x202F: "", 0x2212: "-"}))
        for number, value in zip(numbers, values, strict=False):
            checked.add((table, key))
            last = 10.0 ** -len(number.partition(".")[2])  # the unit of its last digit
            assert float(number) == pytest.approx(100 * value if percent else value, abs=0.501 * last), (table, key)
    assert len(checked) > 50


@pytest.mark.parametrize("folder", ["", "deleted"])
def test_without_the_records_the_command_says_where_they_come_from(tmp_path, monkeypatch, folder):
    monkeypatch.setattr(reference, "RECORDS", tmp_path / folder)
    with pytest.raises(InputError, match="has no records; restore them with git checkout results/reference"):
        reference.main(tmp_path)


def test_the_command_writes_every_record_with_the_dictionary_of_its_columns(tmp_path, monkeypatch):
    for module in (tables, figures, page, article):  # each has tests of its own
        monkeypatch.setattr(module, "write", lambda *_: {})
    reference.main(tmp_path)
    table = pd.read_csv(tmp_path / "results.csv")
    assert list(table.columns) == records.COLUMNS
    assert {reference.RECORDS / name for name in table["record"]} == set(records.find(reference.RECORDS))
    assert (tmp_path / "columns.md").read_text() == columns.page()


def test_no_clip_is_named_and_the_machine_is():
    files = [path for path in reference.RECORDS.rglob("*") if path.is_file() and {"runs", "data"} & {*path.parts}]
    files = [path for path in files if path.name != columns.METADATA]  # made with the tables
    written = {"result.json", "predictions.csv", "metrics.jsonl", "specification.yaml", "environment.json"}
    assert {path.name for path in files} == written | {"leakage.csv", "frames.json"}
    assert not [path for path in files if "v_shooting" in path.read_text()]
    assert sum(path.stat().st_size for path in files) < 10e6
    environments = [json.loads(path.read_text()) for path in files if path.name == "environment.json"]
    assert {one["cpu"] for one in environments} == {"AMD EPYC"}
    assert {one["git"]["dirty"] for one in environments} == {False}
    listed = {tuple(pd.read_csv(path).columns) for path in files if path.name == "predictions.csv"}
    assert listed == {("label", "predicted", "siblings")}
