"""The records that come with the project: whole, without clip names, and enough for every table."""

import json

import pandas as pd
import pytest

from workflow.reporting import reference, tables
from workflow.reporting.content.material import gather


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    output = tmp_path_factory.mktemp("reference")
    material = gather(reference.RECORDS, None, None, None)
    tables.write(material, output, ["accuracy", "comparison", "factors", "holes"])
    return output


def test_every_cell_of_the_comparison_has_six_runs_that_ended_well(made):
    accuracy = pd.read_csv(made / "accuracy.csv")
    assert (accuracy["n"] == 6).all()
    assert accuracy.groupby("model")["protocol"].nunique().eq(2).all()
    assert {"chance", "nearest_neighbour", "lstm", "tt_lstm", "tr_lstm", "bt_lstm", "ht_lstm", "fdht_lstm"} <= set(
        accuracy["model"]
    )
    assert pd.read_csv(made / "holes.csv").empty


def test_protocol_start_and_format_share_the_variance(made):
    shares = pd.read_csv(made / "factors.csv").groupby("measure")["share"].sum()
    assert shares.tolist() == pytest.approx([1, 1])


def test_a_part_of_a_set_is_not_judged_by_published_accuracies(made):
    table = pd.read_csv(made / "comparison.csv")
    held = table[(table["metric"] == "accuracy") & table["reported"].notna()]
    assert set(held["verdict"]) == {"part of the set"}
    assert held["difference"].isna().all()


def test_without_the_records_the_command_says_where_they_come_from(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "RECORDS", tmp_path)
    with pytest.raises(SystemExit, match="has no records; they come with the project: git checkout results/reference"):
        reference.main([])


def test_no_clip_is_named_and_the_machine_is():
    files = [path for path in reference.RECORDS.rglob("*") if path.is_file() and "runs" in path.parts]
    assert {path.name for path in files} == {"result.json", "metrics.jsonl", "specification.yaml", "environment.json"}
    assert not [path for path in files if "v_shooting" in path.read_text()]
    assert {json.loads(path.read_text())["cpu"] for path in files if path.name == "environment.json"} == {"AMD EPYC"}
