"""paper/reported.csv: every reported number that this project may state, with its source.

Column counts holds what a total (metric weights) includes, since papers differ: "W + U + classifier weights".
"""

import math
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pandas as pd

from workflow.storage.errors import InputError

FILE = Path(__file__).resolve().parents[2] / "paper" / "reported.csv"
COLUMNS = ["dataset", "front_end", "model", "protocol", "metric", "value", "unit", "source", "locator", "status"]
COLUMNS += ["counts"]
STATUSES = ("reported", "derived", "unknown")
TERMS = ("W", "U", "bias", "2 biases", "classifier weights")  # of the column counts, joined by " + "
COUNTS = ("W", "U", "weights", "ratio_W", "ratio_weights")
RANGES = ("weights_low", "weights_high", "times_fewer_low", "times_fewer_high", "gain_low", "gain_high")
METRICS = ("accuracy", *COUNTS, *RANGES)
UNITS = {"percent": Decimal("0.01"), "fraction": Decimal(1), "count": Decimal(1), "million": Decimal(10**6)}
UNITS["ratio"] = Decimal(1)


def load(path: str | Path | None = None) -> pd.DataFrame:
    """Return the rows of reported.csv with `value` in units of 1 (percent become fractions), NaN if unknown.

    `step` is one unit of the last printed digit, the precision of a reported number. Raise InputError, naming file,
    line, column and expectation, for an invalid row.
    """
    path = Path(path or FILE)
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    if list(table.columns) != COLUMNS:
        raise InputError(f"{path}: expected the columns {', '.join(COLUMNS)}, found {', '.join(table.columns)}")
    for line, row in enumerate(table.to_dict("records"), start=2):
        for column, expectation in _mistakes(row):
            raise InputError(f"{path}:{line}: {column} is {row[column]!r}, expected {expectation}")
    printed = list(zip(table["value"], table["unit"], strict=True))
    values = [float(Decimal(text) * UNITS[unit]) if text else math.nan for text, unit in printed]
    return table.assign(value=values, step=[last_digit(text, unit) for text, unit in printed])


def last_digit(printed: str, unit: str) -> float:
    """Return one unit of the last printed digit, in units of 1: 0.001 for 87.9 percent."""
    decimals = len(printed.partition(".")[2])
    return float(Decimal(10) ** -decimals * UNITS[unit])


def of_abstract(table: pd.DataFrame, metric: str) -> tuple[float, float]:
    """Return both ends of a range in FDHT-LSTM's abstract; NaN for an end that is not in the table."""
    values = table[table["dataset"] == "all"].set_index("metric")["value"]
    return values.get(f"{metric}_low", math.nan), values.get(f"{metric}_high", math.nan)


def _mistakes(row: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield (column, expectation) for every mistake in a row."""
    for column, known in (("status", STATUSES), ("metric", METRICS), ("unit", UNITS)):
        if row[column] not in known:
            yield column, f"one of {', '.join(known)}"
    if not row["source"]:
        yield "source", "where the value was read, or why it is unknown"
    if row["metric"] == "weights" and row["value"] and not set(row["counts"].split(" + ")) <= set(TERMS):
        yield "counts", f"what the total includes, some of {', '.join(TERMS)} joined by ' + '"
    if row["status"] == "unknown":
        if row["value"]:
            yield "value", "nothing, since its status is unknown (set it to reported)"
        return
    try:
        Decimal(row["value"])
    except InvalidOperation:
        yield "value", "a number"
