"""The records that come with the project: whole, without clip names, and enough for every table."""

import json
from pathlib import Path

import pandas as pd
import pytest

from workflow.commands import reference, tables
from workflow.experiments.problems import ConfigurationError
from workflow.reporting.results import gather


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


def test_protocol_recipe_and_format_share_the_variance(made):
    shares = pd.read_csv(made / "factors.csv").groupby("measure")["share"].sum()
    assert shares.tolist() == pytest.approx([1, 1])


def test_a_part_of_a_set_is_not_judged_by_published_accuracies(made):
    table = pd.read_csv(made / "comparison.csv")
    held = table[(table["metric"] == "accuracy") & table["reported"].notna()]
    assert set(held["verdict"]) == {"part of the set"}
    assert held["difference"].isna().all()


def test_the_readme_says_what_the_tables_say(made):
    readme = " ".join((Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8").split())
    accuracy = pd.read_csv(made / "accuracy.csv").set_index(["protocol", "model"])
    chosen, best = 100 * accuracy["test_accuracy_mean"], 100 * accuracy["best_epoch_accuracy_mean"]
    matched = ["lstm", "tt_lstm", "tr_lstm", "bt_lstm", "ht_lstm", "fdht_lstm", "fdht_lstm_deep"]
    random, group = best["random"][matched], best["group"][matched]
    neighbour, fdht, lstm = "nearest_neighbour", "fdht_lstm", "lstm"
    trained = [model for model in chosen["random"].index if model not in ("chance", neighbour, "linear")]
    below = (best["random"] - chosen["random"])[trained]
    claims = pd.read_csv(made / "claims.csv").assign(half=lambda table: 50 * (table["high"] - table["low"]))
    half = claims.groupby("claim")["half"].agg(["min", "max"])
    wide, wider = half.loc["best_epoch_accuracy"], half.loc["test_accuracy"]
    share = 100 * pd.read_csv(made / "factors.csv").set_index(["measure", "factor"])["share"]
    protocol = [share[measure, "protocol"] for measure in ("test_accuracy", "best_epoch_accuracy")]
    for sentence in (
        f"reaches {random.min():.0f} to {random.max():.0f} % at its best test epoch",
        f"that is never trained ({best['random'][neighbour]:.0f} %)",
        f"they fall to {group.min():.0f} to {group.max():.0f} %, the neighbour to {best['group'][neighbour]:.0f} %,"
        f" and chance is {best['group']['chance']:.0f} %",
        f"the protocol explains {protocol[0]:.0f} % ({protocol[1]:.0f} % at the best test epoch)",
        f"has {random[lstm]:.0f} % at the matched start ({best['random']['lstm_authors']:.0f} % with",
        f"({best['group'][lstm]:.0f} against {group.drop(lstm).min():.0f} to {group.max():.0f} %)",
        f"({random[fdht]:.1f} and {random[lstm]:.1f} % published, {group[fdht]:.1f} and {group[lstm]:.1f} % group)",
        f"{chosen['random'][fdht]:.0f} and {chosen['random'][lstm]:.0f} %, and {chosen['group'][fdht]:.0f} and"
        f" {chosen['group'][lstm]:.0f} %",
        f"it has {chosen['random']['fdht_lstm_deep']:.0f} and {chosen['group']['fdht_lstm_deep']:.0f} % there",
        f"are {wide['min']:.0f} to {wide['max']:.0f} points wide to each side at the best test epoch and"
        f" {wider['min']:.0f} to {wider['max']:.0f} at the chosen one",
        f"lies {below.min():.0f} to {below.max():.0f} points below the best test epoch",
    ):
        assert sentence in readme
    assert random.rank(ascending=False)[lstm] == 3
    assert group.idxmin() == lstm


def test_without_the_records_the_command_says_where_they_come_from(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "RECORDS", tmp_path)
    with pytest.raises(ConfigurationError, match="has no records; restore them with git checkout results/reference"):
        reference.main(tmp_path)


def test_no_clip_is_named_and_the_machine_is():
    files = [path for path in reference.RECORDS.rglob("*") if path.is_file() and "runs" in path.parts]
    assert {path.name for path in files} == {"result.json", "metrics.jsonl", "specification.yaml", "environment.json"}
    assert not [path for path in files if "v_shooting" in path.read_text()]
    assert {json.loads(path.read_text())["cpu"] for path in files if path.name == "environment.json"} == {"AMD EPYC"}
