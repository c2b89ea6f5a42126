"""Runs of code that is in no commit are marked wherever a commit is named."""

import json

import pytest
from synthetic_records import record, write_run

from workflow.reporting.paper import macros
from workflow.reporting.report import page as report
from workflow.reporting.results import gather
from workflow.reporting.tables import TABLES


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Three runs at one commit, one of them with changes; and one at another without environment.json."""
    root = tmp_path_factory.mktemp("mixed")
    for seed in range(3):
        folder = write_run(root, record(seed=seed, git_commit="a" * 40))
        (folder / "environment.json").write_text(json.dumps({"git": {"commit": "a" * 40, "dirty": seed == 1}}))
    write_run(root, record("ht_lstm", git_commit="b" * 40))
    return gather(root)


def test_the_commits_say_how_many_runs_were_changed(mixed):
    expected = "commit aaaaaaaaaaaa (1 of 3 runs from uncommitted changes), bbbbbbbbbbbb"
    assert mixed.provenance.commits == expected
    assert f"runs made at {expected}" in mixed.provenance.lines("a module")
    assert macros.values(mixed)["provenanceCommits"] == expected


def test_the_row_has_a_footnote(mixed):
    sheet = TABLES["accuracy"].printed(mixed)[0]
    letters = {row[0].text: row[2].note for _, rows in sheet.blocks for row in rows}
    footnotes = [note for note in sheet.notes if "uncommitted" in note]
    assert footnotes == [f"{letters['FDHT-LSTM']}) 1 of 3 runs from uncommitted changes"]


def test_the_report_marks_the_run(mixed):
    commits = {(run["model"], run["seed"]): run["git_commit"] for run in report.runs.embedded(mixed)["runs"]}
    assert commits["fdht_lstm", 1] == "a" * 40 + " (from uncommitted changes)"
    assert commits["fdht_lstm", 0] == "a" * 40
    assert commits["ht_lstm", 0] == "b" * 40


def test_an_environment_that_cannot_be_read_tells_nothing(tmp_path):
    folder = write_run(tmp_path, record())
    (folder / "environment.json").write_text("{")
    assert gather(tmp_path).provenance.commits == "commit 000000000000"
