"""What a table is: how it is built, its columns, and what is printed of it. The tables themselves are in tables/."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import pandas as pd

from workflow.reporting import layout as layouts
from workflow.reporting import models
from workflow.reporting.numbers import MISSING, interval, number, spread
from workflow.reporting.results import Results

Row = dict[str, Any]  # a row of a table's data frame, with what its sheet adds
Block = tuple[str, list[Row]]  # a title, which may be empty, and the rows below it
NO_RECORDS = "No records yet."


class Cell(NamedTuple):
    """One printed entry. `link`: the folder below runs/ that it rests on; None for that of its row."""

    text: str
    mark: Literal["", "best", "second"] = ""
    note: str = ""  # letter of a footnote
    link: str | None = None
    tex: str = ""  # its LaTeX, if that is more than the text


class Column(NamedTuple):
    """A printed column. show(results, row, key, digits) formats an entry."""

    key: str
    heading: str  # with a line feed between its lines
    show: Callable[[Results, Row, str, int], Cell | str]
    digits: int = 0  # decimals, unless the layout sets others
    align: Literal["l", "r"] = "r"
    width: str = ""  # LaTeX width of a column of running text


class Sheet(NamedTuple):
    """One of the printed tables that a table consists of."""

    label: str
    caption: str
    blocks: list[Block]
    notes: list[str]
    without: tuple[str, ...] = ()  # keys of columns that mean nothing here


class Printed(NamedTuple):
    """A sheet with its columns chosen and its entries formatted."""

    label: str
    caption: str
    columns: list[Column]
    blocks: list[tuple[str, list[list[Cell]]]]
    notes: list[str]


@dataclass(frozen=True)
class Table:
    """A table, which registers itself by being the TABLE of a file in tables/.

    place orders the tables of report and article. build returns the CSV's data frame; sheets yields what is printed.
    needs: "configuration" if the table can be built without any record.
    """

    name: str
    title: str
    place: int
    build: Callable[[Results], pd.DataFrame]
    sheets: Callable[[Results, pd.DataFrame], Iterable[Sheet]]
    columns: list[Column]
    empty: str = NO_RECORDS
    needs: Literal["records", "configuration"] = "records"

    def printed(self, results: Results) -> list[Printed]:
        """Return the table as it is printed, by the layout's columns and digits."""
        chosen = layouts.choose(results.layout, self.name, {column.key: column for column in self.columns})
        return [self._printed(results, sheet, chosen) for sheet in self.sheets(results, self.build(results))]

    def _printed(self, results: Results, sheet: Sheet, chosen: list[Column]) -> Printed:
        columns = [column for column in chosen if column.key not in sheet.without]
        blocks = [
            (title, [[self._cell(results, column, row) for column in columns] for row in rows])
            for title, rows in sheet.blocks
        ]
        return Printed(sheet.label, sheet.caption, columns, blocks, sheet.notes)

    def _cell(self, results: Results, column: Column, row: Row) -> Cell:
        digits = layouts.digits(results.layout, self.name, column.key, column.digits)
        shown = column.show(results, row, column.key, digits)
        cell = Cell(shown) if isinstance(shown, str) else shown
        return cell._replace(link=link(row)) if cell.link is None else cell

    def empty_text(self, results: Results) -> str:
        """Return what stands in place of a table without rows."""
        return NO_RECORDS if results.records.empty and self.needs == "records" else self.empty


def by_data(results: Results, frame: pd.DataFrame) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    """Yield (dataset, front_end, their name in print, rows) in the order of the rows."""
    for (dataset, front_end), rows in frame.groupby(["dataset", "front_end"], sort=False):
        yield dataset, front_end, layouts.data_label(results.layout, dataset, front_end), rows


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """Return the rows of a data frame as dictionaries."""
    return frame.to_dict("records")


def link(row: Row) -> str:
    """Return the folder below runs/ of the runs behind a row; none for a row of no model."""
    if not isinstance(row.get("model"), str):
        return ""
    parts = [row.get(name) for name in ("dataset", "front_end", "model", "protocol")]
    return "/".join(part for part in parts if isinstance(part, str) and part)


def model(results: Results, row: Row, key: str, digits: int) -> str:
    """Show a model's name; none for a row without one."""
    return models.label(results, row[key]) if isinstance(row[key], str) else ""


def text(results: Results, row: Row, key: str, digits: int) -> str:
    """Show text as it is."""
    return str(row[key]) or MISSING


def count(results: Results, row: Row, key: str, digits: int) -> str:
    """Show a number with `digits` decimals."""
    return number(_known(row[key]), digits)


def percent(results: Results, row: Row, key: str, digits: int) -> str:
    """Show a fraction in percent."""
    return number(_known(row[key], 100), digits)


def points(results: Results, row: Row, key: str, digits: int) -> str:
    """Show a difference of fractions in percentage points, with its sign."""
    return number(_known(row[key], 100), digits, sign=True)


def difference_interval(results: Results, row: Row, key: str, digits: int) -> str:
    """Show the interval [low, high] of a difference of fractions over n observations, in percentage points."""
    return interval(row["low"], row["high"], digits, n=int(row["n"]))


def mean(results: Results, row: Row, key: str, digits: int) -> str:
    """Show <key>_mean ± <key>_std."""
    return spread(row[f"{key}_mean"], row[f"{key}_std"], digits)


def percent_mean(results: Results, row: Row, key: str, digits: int) -> str:
    """Show fractions <key>_mean ± <key>_std in percent."""
    return spread(100 * row[f"{key}_mean"], 100 * row[f"{key}_std"], digits)


def _known(value: Any, scale: float = 1) -> float | None:
    return None if pd.isna(value) else scale * value
