"""Every run excluded from means, with its state and reason."""

from collections.abc import Iterator

import pandas as pd

from workflow.experiments.states import MISSING, UNASKED
from workflow.reporting import models
from workflow.reporting.results import Results
from workflow.reporting.table import Cell, Column, Row, Sheet, Table, text

MAX_ROWS = 40  # printed; the CSV has all


def run(results: Results, row: Row, column: Column) -> Cell:
    """Show the run's identity, or the record's path if that is unknown."""
    if pd.isna(row["fold"]) or not isinstance(row["dataset"], str):
        return Cell(row["record"], link="")
    row = row | {"model": models.label(results, row["model"])}
    return Cell("{dataset}, {front_end}, {model}, {protocol}, fold {fold}, seed {seed}".format(**row), link="")


COLUMNS = [
    Column("status", "State", text, align="l"),
    Column("run", "Run", run, align="l"),
    Column("failure", "Reason", text, align="l"),
]


def build(results: Results) -> pd.DataFrame:
    """Return identity, status (failed, damaged, duplicate, outdated, missing), failure and record of each run."""
    outside = results.recorded[results.recorded["failure"] == UNASKED]
    return pd.concat([results.excluded, outside[results.excluded.columns]], ignore_index=True)


def sheets(results: Results, frame: pd.DataFrame) -> Iterator[Sheet]:
    """Yield one sheet, with the missing runs at its end."""
    if len(frame):
        rows = frame.sort_values("status", key=lambda status: status == MISSING, kind="stable")
        notes = [f"{len(rows) - MAX_ROWS} more are in excluded.csv."] if len(rows) > MAX_ROWS else []
        yield Sheet("", f"Excluded runs ({len(rows)}).", rows[:MAX_ROWS], notes)


EMPTY = "No run is excluded: each expected run has a successful record."
TABLE = Table("excluded", "Excluded runs", 10, build, sheets, COLUMNS, EMPTY)
