"""The records that come with the project: whole, without clip names, and enough for every table."""

import json
from pathlib import Path

import pandas as pd
import pytest

import baselines
from workflow.commands import reference, tables
from workflow.experiments.configuration_file import load
from workflow.experiments.grid import runs
from workflow.reporting import columns, figures, records
from workflow.reporting import tables as reporting_tables
from workflow.reporting.paper import article
from workflow.reporting.report import page
from workflow.reporting.results import gather
from workflow.storage.errors import InputError


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    output = tmp_path_factory.mktemp("reference")
    results = gather(reference.RECORDS, None, None, None)
    tables.write(results, output, ["accuracy", "claims", "comparison", "factors", "excluded"])
    return output


def test_every_cell_of_the_comparison_is_whole(made):
    accuracy = pd.read_csv(made / "accuracy.csv")
    fitted = accuracy["model"].isin(["chance", "nearest_neighbour", "linear"])  # without a seed: two folds, no more
    assert (accuracy["n"] == fitted.map({True: 2, False: 6})).all()
    assert accuracy.groupby("model")["protocol"].nunique().eq(2).all()
    assert {"chance", "nearest_neighbour", "lstm", "tt_lstm", "tr_lstm", "bt_lstm", "ht_lstm", "fdht_lstm"} <= set(
        accuracy["model"]
    )
    assert pd.read_csv(made / "excluded.csv").empty


def test_the_gap_between_the_protocols_is_that_of_the_accuracies(made):
    table = pd.read_csv(made / "factors.csv")
    row = table[(table["factor"] == "protocol") & (table["measure"] == "best_epoch_accuracy")].iloc[0]
    means = pd.read_csv(made / "accuracy.csv").set_index(["protocol", "model"])["best_epoch_accuracy_mean"]
    gaps = (means["random"] - means["group"])[row["first"].split()]
    assert row["difference"] == pytest.approx(gaps.mean())
    assert row["low"] < row["difference"] < row["high"]


def test_a_part_of_a_set_is_not_judged_by_published_accuracies(made):
    table = pd.read_csv(made / "comparison.csv")
    held = table[(table["metric"] == "accuracy") & table["reported"].notna()]
    assert set(held["verdict"]) == {"part of the set"}
    assert held["difference"].isna().all()


def test_the_readme_says_what_the_tables_say(made):
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    accuracy = pd.read_csv(made / "accuracy.csv").set_index(["protocol", "model"])
    random, group = (100 * accuracy["best_epoch_accuracy_mean"][protocol] for protocol in ("random", "group"))
    weights, rivals = accuracy["weights"]["random"], ["tt_lstm", "tr_lstm", "bt_lstm", "ht_lstm"]

    def row(label, model, size):
        return f"| {label} | {size} | {random[model]:.0f} | {group[model]:.0f} |"

    def span(values):
        return f"{values.min():.0f} to {values.max():.0f}"

    sizes = weights[rivals].round(-3)
    claims = pd.read_csv(made / "claims.csv")
    half = 50 * (claims["high"] - claims["low"])[claims["claim"] == "best_epoch_accuracy"]
    fewer, dense = (claims.loc[claims["claim"] == claim, "found"] for claim in ("times_fewer", "times_fewer_dense"))
    for text in (
        row("chance", "chance", 0),
        row("nearest neighbour on thumbnails, untrained", "nearest_neighbour", 0),
        row("dense LSTM", "lstm", f"{weights['lstm'] / 1e6:.0f} million"),
        f"| TT-, TR-, BT-, HT-LSTM | {sizes.min():,} to {sizes.max():,} |"
        f" {span(random[rivals])} | {span(group[rivals])} |",
        row("FDHT-LSTM", "fdht_lstm", f"{weights['fdht_lstm']:,}"),
        row("FDHT-LSTM, deeper tensorisation", "fdht_lstm_deep", f"{weights['fdht_lstm_deep']:,}"),
        f"FDHT-LSTM minus a rival extend {span(half)} points to either side",
        f"stores {span(fewer)} times fewer",
        f"{dense.min():,.0f} to {dense.max():,.0f} times fewer than the dense LSTM",
    ):
        assert text in readme


def test_the_readme_counts_the_weights_on_features_as_the_paper_configuration_does():
    config = load(Path(__file__).parents[2] / "config/paper.yaml")
    models = ["tt_lstm", "tr_lstm", "bt_lstm", "ht_lstm", "fdht_lstm"]
    found = {run.model: run.recurrent for run in runs(config) if run.front_end == "inception_v3"}
    counts = {name: baselines.declare(**found[name]).parameters() for name in models}
    weights = {name: count["W"] + count["U"] for name, count in counts.items()}
    fewer = [weights[name] / weights["fdht_lstm"] for name in models[:-1]]
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert f"({min(fewer):,.0f} to {max(fewer):,.0f})" in readme


def test_without_the_records_the_command_says_where_they_come_from(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "RECORDS", tmp_path)
    with pytest.raises(InputError, match="has no records; restore them with git checkout results/reference"):
        reference.main(tmp_path)


def test_the_command_writes_every_record_with_the_dictionary_of_its_columns(tmp_path, monkeypatch):
    for module in (reporting_tables, figures, page, article):  # each has tests of its own
        monkeypatch.setattr(module, "write", lambda *_: {})
    reference.main(tmp_path)
    table = pd.read_csv(tmp_path / "results.csv")
    assert list(table.columns) == records.COLUMNS
    assert {reference.RECORDS / name for name in table["record"]} == set(records.find(reference.RECORDS))
    assert (tmp_path / "columns.md").read_text() == columns.page()


def test_no_clip_is_named_and_the_machine_is():
    files = [path for path in reference.RECORDS.rglob("*") if path.is_file() and "runs" in path.parts]
    files = [path for path in files if path.name != columns.METADATA]  # made with the tables
    written = {"result.json", "predictions.csv", "metrics.jsonl", "specification.yaml", "environment.json"}
    assert {"result.json"} < {path.name for path in files} <= written
    assert not [path for path in files if "v_shooting" in path.read_text()]
    assert sum(path.stat().st_size for path in files) < 10e6
    assert {json.loads(path.read_text())["cpu"] for path in files if path.name == "environment.json"} == {"AMD EPYC"}
