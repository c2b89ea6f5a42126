"""holes: every run that enters no mean, with its reason; and the footnotes that name them."""

import pandas as pd

from workflow.reporting import layout as layouts
from workflow.reporting.render import HOLE, Cell, Column, Sheet
from workflow.reporting.results import Results

COLUMNS = [
    Column("state", ("State",), number=False),
    Column("run", ("Run",), number=False, width="0.4\\linewidth"),
    Column("reason", ("Reason",), number=False, width="0.36\\linewidth"),
]
EMPTY = "Nothing is missing: every expected run has a good record."
MOST = 40  # rows in print; the CSV has all


def build(results: Results) -> pd.DataFrame:
    """holes.csv: identity, state (failed, malformed, duplicate, not run), reason and record."""
    return results.excluded


def remarks(results: Results, *setting: str) -> str:
    """One sentence about the holes of a row of the accuracy table; empty where it has none."""
    states = results.excluded_states(*setting)
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items()))


def sheets(results: Results) -> list[Sheet]:
    """One printed table; none where nothing is missing."""
    if results.excluded.empty:
        return []
    order = results.excluded.assign(place=results.excluded["state"] == "not run").sort_values("place", kind="stable")
    rows = [[Cell(row.state), Cell(_run(results, row)), Cell(row.reason or HOLE)] for row in order.itertuples()]
    notes = [f"{len(rows) - MOST} more are in holes.csv."] if len(rows) > MOST else []
    caption = f"Runs that enter no mean ({len(rows)})."
    return [Sheet("holes", caption, COLUMNS, [("", rows[:MOST])], notes)]


def _run(results: Results, row) -> str:
    if pd.isna(row.fold) or not isinstance(row.dataset, str):
        return row.record
    label = layouts.model_label(results.layout, row.model)
    return f"{row.dataset}, {row.front_end}, {label}, {row.protocol}, fold {row.fold}, seed {row.seed}"
