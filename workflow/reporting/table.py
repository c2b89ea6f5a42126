"""The Table class: building, columns and printing. The tables themselves are in tables/."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import pandas as pd

from workflow.experiments.configuration import merged
from workflow.reporting import models
from workflow.reporting.numbers import MISSING, number, spread
from workflow.reporting.records import PLACE
from workflow.reporting.results import Results
from workflow.storage.errors import InputError
from workflow.storage.fields import did_you_mean

Row = dict[str, Any]  # a row of a table's data frame, with what its sheet adds
NO_RECORDS = "No records yet."
PRINTED = ("caption", "label", "notes", "environment", "size", "width", "height")  # what a layout sets
UNITS = re.compile(r"\s*\((%|points)\)")
POINTS = re.compile(r"(\d+\.\d+)( to )?(\d+\.\d+)? points")


class Cell(NamedTuple):
    """One printed entry. `link`: the folder below runs/ of its runs, if there are any; None for that of its row."""

    text: str
    mark: str = ""  # or "best", "second"
    note: str = ""  # letter of a footnote
    link: str | None = None
    tex: str = ""  # its LaTeX, if it differs from the escaped text


def count(results: Results, row: Row, column: "Column") -> str:
    """Show a number."""
    value = row[column.key]
    return number(None if pd.isna(value) else column.scale * value, column.digits, column.sign)


def mean(results: Results, row: Row, column: "Column") -> str:
    """Show <key>_mean ± <key>_std."""
    return spread(column.scale * row[f"{column.key}_mean"], column.scale * row[f"{column.key}_std"], column.digits)


def interval(results: Results, row: Row, column: "Column") -> str:
    """Show [low, high], of the column interval_x [low_x, high_x]; a dash if there is none."""
    ends = [row[column.key.replace("interval", end)] for end in ("low", "high")]
    low, high = (number(column.scale * end, column.digits, column.sign) for end in ends)
    return MISSING if pd.isna(ends).any() else f"[{low}, {high}]"


def text(results: Results, row: Row, column: "Column") -> str:
    """Show text as it is."""
    return str(row[column.key]) or MISSING


def model(results: Results, row: Row, column: "Column") -> str:
    """Show a model's name; none for a row without one."""
    return models.label(results, row[column.key]) if isinstance(row[column.key], str) else ""


class Column(NamedTuple):
    """A printed column. show(results, row, column) formats an entry."""

    key: str
    heading: str  # lines are separated by line feeds
    show: Callable[[Results, Row, "Column"], Cell | str] = count
    digits: int = 0  # decimals, unless the layout sets others
    scale: int = 1  # 100 shows fractions in percent
    sign: bool = False  # show + before positive numbers
    align: Literal["l", "r"] = "r"
    below: bool = False  # in LaTeX: running text below each row, as wide as the table


MODEL = Column("model", "Model", model, align="l")


class Note(NamedTuple):
    """A note that is printed only if one of the columns `of` is."""

    text: str
    of: tuple[str, ...]


class Sheet(NamedTuple):
    """One of a table's printed parts; `part` makes its label unique.

    Rows with the same text in the column `block`, if there is one, stand below it as a heading.
    """

    part: str
    caption: str
    rows: pd.DataFrame
    notes: Sequence[str | Note]
    without: tuple[str, ...] = ()  # keys of columns to omit


class Printed(NamedTuple):
    """A sheet with its columns chosen and its entries formatted. name: of its LaTeX file; width, height: in inches."""

    name: str
    caption: str
    columns: list[Column]
    blocks: list[tuple[str, list[list[Cell]]]]
    notes: list[str]
    label: str = ""
    continued: bool = False  # a further part of the table before it
    environment: str = "table"
    size: int = 0  # of the letters in pt; 0: 8 if the table then fits, else 7
    width: float = 3.25
    height: float = 5.5  # of the tabular, which shares a page with its caption and notes


@dataclass(frozen=True)
class Table:
    """A table of the report and article. Assign it to TABLE in a file of tables/ to register it.

    order: sort key among them. build returns the CSV's data frame; sheets yields what is printed.
    needs: "configuration" if the table can be built without any record. meanings: unit and meaning of the columns of
    the CSV that are not in columns.yaml.
    """

    name: str
    title: str
    order: float
    build: Callable[[Results], pd.DataFrame]
    sheets: Callable[[Results, pd.DataFrame], Iterable[Sheet]]
    columns: list[Column]
    empty: str = NO_RECORDS
    needs: Literal["records", "configuration"] = "records"
    meanings: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def printed(self, results: Results) -> list[Printed]:
        """Return the table's sheets for printing, as the layout wants them, without those that have no rows."""
        options = results.layout["tables"].get(self.name, {})
        sheets, parts = list(self.sheets(results, self.build(results))), options.get("parts", {})
        self._check("parts", parts if sheets else (), [sheet.part for sheet in sheets], "part")
        options_of = {sheet.part: merged(options, parts.get(sheet.part, {})) for sheet in sheets}
        for wanted in (own.get("rows", {}) for own in options_of.values()):
            self._check("rows", wanted, dict.fromkeys(name for sheet in sheets for name in sheet.rows), "column")
            for column, values in wanted.items():
                entries = dict.fromkeys(value for sheet in sheets for value in sheet.rows.get(column, ()))
                self._check(f"rows.{column}", values, entries, "entry of this column")
        found = [self._printed(results, sheet, options_of[sheet.part]) for sheet in sheets]
        return [sheet for sheet in found if sheet.blocks]

    def _chosen(self, options: dict[str, Any]) -> list[Column]:
        known = {column.key: column for column in self.columns}
        for option in ("columns", "digits", "headings"):
            self._check(option, options.get(option, ()), known, "column")
        fraction, digits = options.get("units") == "fraction", options.get("digits", {})
        chosen = []
        for column in (known[name] for name in options.get("columns", known)):
            column = column._replace(heading=options.get("headings", {}).get(column.key, column.heading))
            if fraction and column.scale == 100:
                column = column._replace(scale=1, digits=column.digits + 2, heading=UNITS.sub("", column.heading))
            chosen.append(column._replace(digits=digits.get(column.key, column.digits)))
        return chosen

    def _check(self, option: str, names: Iterable[object], known: Iterable[object], kind: str) -> None:
        if unknown := [name for name in names if name not in known]:
            hint = did_you_mean(unknown[0], known, kind)
            raise InputError(f"tables.{self.name}.{option}: {unknown[0]!r} is no {kind}; {hint}")

    def _printed(self, results: Results, sheet: Sheet, options: dict[str, Any]) -> Printed:
        columns = [column for column in self._chosen(options) if column.key not in sheet.without]
        blocks: dict[str, list[list[Cell]]] = {}
        rows = sheet.rows
        for key, values in reversed(options.get("rows", {}).items()):
            rows = rows[rows[key].isin(values)].sort_values(key, key=lambda own: own.map(values.index), kind="stable")
        for row in rows.to_dict("records"):
            blocks.setdefault(row.get("block", ""), []).append([_cell(results, row, column) for column in columns])
        name, keys = "-".join(filter(None, (self.name, sheet.part))), {column.key for column in columns}
        notes = [Note(note, ()) if isinstance(note, str) else note for note in sheet.notes]
        printed: dict[str, Any] = {
            "label": f"tab:{name}",
            "caption": sheet.caption,
            "notes": [note.text for note in notes if not note.of or keys & set(note.of)],
        }
        if options.get("units") == "fraction":
            printed["caption"] = in_fractions(sheet.caption)
            printed["notes"] = [in_fractions(note) for note in printed["notes"]]
            blocks = {in_fractions(title): block for title, block in blocks.items()}
        printed |= {option: options[option] for option in PRINTED if option in options}
        printed |= {option: printed[option].replace("{part}", sheet.part) for option in ("caption", "label")}
        return Printed(name, columns=columns, blocks=list(blocks.items()), **printed)

    def empty_text(self, results: Results) -> str:
        """Return the text printed instead of a table without rows."""
        return NO_RECORDS if results.records.empty and self.needs == "records" else self.empty


def _cell(results: Results, row: Row, column: Column) -> Cell:
    """Return an entry, with a link if there are records behind it."""
    shown = column.show(results, row, column)
    cell = Cell(shown) if isinstance(shown, str) else shown
    place = link(row) if cell.link is None else cell.link
    return cell._replace(link=place if place and len(results.rows("records", *place.split("/"))) else "")


def in_fractions(text: str) -> str:
    """Return `text` with fractions in place of points, "0.006 to 0.127" for "0.6 to 12.7 points", without (%)."""

    def fraction(found: re.Match[str]) -> str:
        return re.sub(r"\d+\.(\d+)", lambda one: f"{float(one[0]) / 100:.{len(one[1]) + 2}f}", found[0][:-7])

    return UNITS.sub("", POINTS.sub(fraction, text))


def link(row: Row) -> str:
    """Return the folder below runs/ of the runs behind a row; "" for a row without a model."""
    if not isinstance(row.get("model"), str):
        return ""
    parts = [row.get(name) for name in ("dataset", "front_end", "model", "protocol")]
    return "/".join(part for part in parts if isinstance(part, str) and part)


def frame(results: Results, columns: list[Column], values: Callable[..., Row]) -> pd.DataFrame:
    """Return values(dataset, front_end, model) in `columns`, a row per model that has any; counts stay integers."""
    rows = {place: values(*place) for place in results.places}
    found = pd.DataFrame([dict(zip(PLACE, place, strict=True)) | row for place, row in rows.items() if row])
    return found.reindex(columns=[*PLACE[:2], *(column.key for column in columns)]).convert_dtypes()


def by_data(results: Results, frame: pd.DataFrame) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    """Yield (dataset, front_end, printed name of both, rows) in the order of the rows."""
    for (dataset, front_end), rows in frame.groupby(["dataset", "front_end"], sort=False):
        yield dataset, front_end, results.data_label(dataset, front_end), rows


def sheet_per_data(
    caption: str, *notes: str | Note, block: Callable[[Row], str] = lambda row: ""
) -> Callable[[Results, pd.DataFrame], Iterator[Sheet]]:
    """Return a function that yields a sheet per data set and front end, with a block per value of `block`.

    `caption` contains {data}, the label of both. `block` gets a row with the printed name of its protocol.
    """

    def sheets(results: Results, frame: pd.DataFrame) -> Iterator[Sheet]:
        names = results.layout["protocols"]
        blocks = [block(row) for row in frame.replace({"protocol": names}).to_dict("records")]
        frame = frame.assign(block=blocks)
        for dataset, front_end, data, rows in by_data(results, frame):
            yield Sheet(f"{dataset}-{front_end}", caption.format(data=data), rows, list(notes))

    return sheets
