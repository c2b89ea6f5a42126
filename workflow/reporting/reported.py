"""paper/reported.csv: every reported number that this project may state, with its source."""

import math
import re
from decimal import Decimal
from pathlib import Path
from typing import Self

import pandas as pd
from pydantic import Field, model_validator

from workflow.datasets.catalogue import CATALOGUE
from workflow.datasets.front_ends import FRONT_ENDS
from workflow.reporting.records import read_table
from workflow.storage.errors import InputError
from workflow.storage.fields import Checked, one_of

FILE = Path(__file__).resolve().parents[2] / "paper" / "reported.csv"
TERMS = ("W", "U", "bias", "2 biases", "classifier weights")
COUNTS = ("W", "U", "weights", "ratio_W", "ratio_weights")
RANGES = ("weights_low", "weights_high", "times_fewer_low", "times_fewer_high", "gain_low", "gain_high")
SELECTIONS = {  # whose accuracy: of the last epoch, the best test epoch, or one chosen on validation -> ours
    "final": ["final_epoch_accuracy"],
    "best_test": ["best_epoch_accuracy"],
    "validation": ["test_accuracy"],
    "unknown": ["final_epoch_accuracy", "best_epoch_accuracy"],
}
UNITS = {"percent": Decimal("0.01"), "fraction": Decimal(1), "count": Decimal(1), "ratio": Decimal(1)}
UNITS["million"] = Decimal(10**6)


class Reported(Checked):
    """A row of reported.csv, as text. `counts`: what a total includes, since papers differ; TERMS joined by " + "."""

    dataset: one_of("data set", ("all", *CATALOGUE))  # type: ignore[valid-type]
    front_end: one_of("front end", ("all", *FRONT_ENDS))  # type: ignore[valid-type]
    model: str
    protocol: str
    selection: one_of("selection", ("", *SELECTIONS))  # type: ignore[valid-type]
    metric: one_of("metric", ("accuracy", *COUNTS, *RANGES))  # type: ignore[valid-type]
    value: str
    unit: one_of("unit", UNITS)  # type: ignore[valid-type]
    source: str = Field(min_length=1)
    locator: str
    status: one_of("status", ("reported", "derived", "unknown"))  # type: ignore[valid-type]
    counts: str

    @model_validator(mode="after")
    def _complete(self) -> Self:
        expected, pattern = ("nothing", "") if self.status == "unknown" else ("a number", r"\d+(\.\d+)?")
        if not re.fullmatch(pattern, self.value):
            raise ValueError(f"value is {self.value!r}; expected {expected}, since status is {self.status}")
        if (self.metric == "accuracy") != (self.selection != ""):
            expected = f"one of {', '.join(SELECTIONS)}" if self.metric == "accuracy" else "none"
            raise ValueError(f"selection is {self.selection!r}; expected {expected}, for metric {self.metric}")
        if self.protocol != (expected := "random" if self.metric == "accuracy" else ""):  # no other is compared
            raise ValueError(f"protocol is {self.protocol!r}; expected {expected!r}, for metric {self.metric}")
        if self.metric == "weights" and self.value and not set(self.counts.split(" + ")) <= set(TERMS):
            raise ValueError(f"counts is {self.counts!r}; expected some of {', '.join(TERMS)} joined by ' + '")
        return self

    def number(self) -> float:
        """Return the value in units of 1 (percent become fractions); NaN if unknown."""
        return float(Decimal(self.value) * UNITS[self.unit]) if self.value else math.nan

    def step(self) -> float:
        """Return one unit of the last printed digit, in units of 1: 0.001 for 87.9 percent."""
        return float(Decimal(10) ** -len(self.value.partition(".")[2]) * UNITS[self.unit])


def load(path: str | Path | None = None) -> pd.DataFrame:
    """Return the rows of reported.csv with `value` in units of 1, and `step`, the precision of the printed value.

    Raise InputError, naming file, line, column and expectation, for an invalid row.
    """
    path, columns = Path(path or FILE), list(Reported.model_fields)
    table = read_table(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    if list(table.columns) != columns:
        raise InputError(f"{path}: expected the columns {', '.join(columns)}, found {', '.join(table.columns)}")
    rows = [Reported.parse(row, f"{path}:{line}") for line, row in enumerate(table.to_dict("records"), start=2)]
    return table.assign(value=[row.number() for row in rows], step=[row.step() for row in rows])


def of_abstract(table: pd.DataFrame, metric: str) -> tuple[float, float]:
    """Return both ends of a range in FDHT-LSTM's abstract; NaN for an end that is not in the table."""
    values = table[table["dataset"] == "all"].set_index("metric")["value"]
    return values.get(f"{metric}_low", math.nan), values.get(f"{metric}_high", math.nan)
