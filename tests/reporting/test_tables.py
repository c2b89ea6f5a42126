"""A table is one file: it is in the tables, the report and the article without another edit."""

import json
import shutil
import subprocess
import sys

import pytest
from synthetic_records import record, write_run

from workflow.reporting.results import gather
from workflow.reporting.tables import TABLES

MINE = """
import pandas as pd

from workflow.reporting.table import MODEL, Column, Sheet, Table


def build(results):
    return pd.DataFrame([{"model": name, "letters": len(name)} for _, _, name in results.places])


def sheets(results, frame):
    yield Sheet("", "How long the names are.", frame, [])


COLUMNS = [MODEL, Column("letters", "Letters")]
TABLE = Table("mine", "Lengths of names", 99, build, sheets, COLUMNS)
"""
SCRIPT = """
import sys
from pathlib import Path

from workflow.commands import tables
from workflow.reporting import captions
from workflow.reporting.paper import article
from workflow.reporting.report import page
from workflow.reporting.results import gather

results = gather(sys.argv[1])
captions.write(Path("figures"), {})
tables.main(sys.argv[1], Path("made"))
Path("report.html").write_text(page.page(results, Path("figures")))
Path("article").mkdir()
article.prepare(results, Path("figures"), Path("article"))
"""


def test_a_file_adds_a_table_everywhere(root, few, tmp_path):
    for name in ("workflow", "baselines", "fdht", "paper"):
        shutil.copytree(root / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "workflow" / "reporting" / "tables" / "mine.py").write_text(MINE)
    subprocess.run([sys.executable, "-c", SCRIPT, str(few)], cwd=tmp_path, check=True)
    lines = (tmp_path / "made" / "mine.csv").read_text().splitlines()
    described = json.loads((tmp_path / "made" / "mine.csv-metadata.json").read_text())["tableSchema"]["columns"]
    assert [column.get("dc:description", "") for column in described] == ["name of the model in the configuration", ""]
    assert lines == ["model,letters", "nearest_neighbour,17", "ht_lstm,7", "fdht_lstm,9"]
    assert "| FDHT-LSTM         |         9 |" in (tmp_path / "made" / "mine.md").read_text()
    assert "How long the names are." in (tmp_path / "report.html").read_text()
    assert (tmp_path / "article" / "tables.tex").read_text().splitlines()[-1] == r"\input{tables/mine}"
    assert "FDHT-LSTM & 9" in (tmp_path / "article" / "tables" / "mine.tex").read_text()


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_the_name_of_its_file_and_a_title(name):
    table = TABLES[name]
    assert table.name == name
    assert table.title
    assert len({column.key for column in table.columns}) == len(table.columns)
    assert [other.order for other in TABLES.values()].count(table.order) == 1


def test_runs_that_took_turns_share_the_hours(tmp_path):
    for fold, together in enumerate((5, 5, None)):
        write_run(tmp_path, record(fold=fold, train_seconds=3600.0, side_by_side=together), extras=False)
    (row,) = TABLES["cost"].build(gather(tmp_path)).to_dict("records")
    assert row["hours"] == pytest.approx(1.4)


def test_what_random_adds_is_shown_for_models_with_runs_under_both_protocols(tmp_path):
    for model, protocols in (("tt_lstm", ("group", "random")), ("ht_lstm", ("random",))):
        for protocol in protocols:
            write_run(tmp_path, record(model, protocol))
    (sheet,) = TABLES["leakage"].printed(gather(tmp_path))
    assert {row[0].text for _, rows in sheet.blocks for row in rows} == {"TT-LSTM"}


def test_one_run_on_a_busy_machine_does_not_set_the_time_of_a_run(tmp_path):
    for fold, seconds in enumerate((10.0, 11.0, 900.0)):
        write_run(tmp_path, record(fold=fold, train_seconds=seconds), extras=False)
    (row,) = TABLES["cost"].build(gather(tmp_path)).to_dict("records")
    assert (row["train_seconds_median"], row["hours"]) == (11, pytest.approx(921 / 3600))
