"""What the search of settings kept, and how well each value did on validation clips.

If most runs keep the first or the last value, a wider range may do better.
"""

import json
from collections.abc import Iterator

import pandas as pd

from workflow.reporting.numbers import number
from workflow.reporting.records import EXPERIMENT, IDENTITY
from workflow.reporting.results import Results, cached
from workflow.reporting.table import MODEL, Column, Row, Sheet, Table, sheet_per_data

BY_VALUE = ("value", "kept", "validation_accuracy")
CSV = [*EXPERIMENT, "setting", *BY_VALUE, "n"]


def each(results: Results, row: Row, column: Column) -> str:
    """Show a number for every value, in the order of the search."""
    return ", ".join(number(column.scale * entry, column.digits) for entry in row[column.key])


COLUMNS = [
    MODEL,
    Column("n", "Runs"),
    Column("kept", "Runs that kept\neach value", each),
    Column("validation_accuracy", "Validation accuracy\nof each (%)", each, digits=1, scale=100),
]
NOTE = (
    "Each run trains with every value and keeps the one that is best on its validation clips. Validation accuracy: at "
    "the epoch chosen on validation clips, mean over the runs. If most runs keep the first or the last value, a wider "
    "range may do better."
)


@cached
def build(results: Results) -> pd.DataFrame:
    """Return a row per experiment, searched setting and value; accuracies are fractions.

    Of several candidates of a run that share a value, the best on validation clips counts.
    """
    rows = []
    searched = results.successful_records.dropna(subset=["searched"])
    for run in searched[[*IDENTITY, "record", "searched"]].to_dict("records"):
        candidates = json.loads((results.root / run.pop("record")).read_text())["search"]
        kept = run.pop("searched")
        for setting in candidates[0]["settings"]:
            for index, candidate in enumerate(candidates):
                accuracy, value = candidate.get("validation_accuracy"), str(candidate["settings"][setting])
                rows.append([*run.values(), setting, value, index == kept, accuracy])
    tried = pd.DataFrame(rows, columns=[*IDENTITY, "setting", *BY_VALUE])
    values = tried.groupby([*IDENTITY, "setting", "value"], sort=False, as_index=False)[["kept", "validation_accuracy"]]
    grouped = values.max().groupby([*EXPERIMENT, "setting", "value"], sort=False, as_index=False)
    found = grouped.agg(kept=("kept", "sum"), validation_accuracy=("validation_accuracy", "mean"), n=("kept", "size"))
    return results.experiments.merge(found, on=EXPERIMENT)[CSV]


def block(row: Row) -> str:
    """Return a heading that names the protocol, the setting and its values."""
    return f"Protocol {row['protocol']}: {row['setting'].replace('_', ' ')} {', '.join(row['value'])}"


SHEETS = sheet_per_data("What the search of settings kept on {data}.", NOTE, block=block)


def sheets(results: Results, frame: pd.DataFrame) -> Iterator[Sheet]:
    """Yield a sheet per data set and front end, with a block per protocol, setting and values."""
    together = frame.groupby([*EXPERIMENT, "setting"], sort=False, as_index=False)
    yield from SHEETS(results, together.agg(n=("n", "max"), **{name: (name, tuple) for name in BY_VALUE}))


TABLE = Table("search", "Search of settings", 6.7, build, sheets, COLUMNS, "No run searched its settings.")
