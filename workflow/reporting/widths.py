"""The printed size of a table, and how to fit it into a column of text: smaller type, narrower text, tiers, parts.

Widths are in em of Computer Modern, the widest of the usual faces: what fits in it fits in Times and Libertine.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cache
from math import ceil
from typing import NamedTuple

import matplotlib
from matplotlib.ft2font import FT2Font

from workflow.reporting.numbers import THIN
from workflow.reporting.table import Cell, Column, Printed

EM = {10: 10.0, 9: 9.25, 8: 8.5, 7: 7.98}  # pt, by the size of the letters: an em is wider in small ones
SKIP = {10: 12.0, 9: 11.0, 8: 9.5, 7: 8.0}  # pt from line to line
TRIED = (8, 7)
INCH = 72.27  # pt
GAP = 0.5  # em between two columns
KERNED = 1.007  # times the width of a line in matplotlib, which kerns some pairs of letters more tightly than TeX
BOLD = 1.16  # times the width of medium letters
SLACK = 1.01  # of a column that TeX breaks into lines
STEP = 16.0  # pt, by which parts of a table may differ in height
GLYPHS = str.maketrans(dict.fromkeys("±−×≥≤<>", "+") | {"·": ".", "—": "W", "–": "n", "²": "'"})


class Fit(NamedTuple):
    """The size of the letters (pt), the widths (em) of narrowed columns, the total width and the room for it."""

    size: int
    narrowed: dict[int, float]
    total: float
    room: float


@cache
def _font() -> FT2Font:
    font = FT2Font(f"{matplotlib.get_data_path()}/fonts/ttf/cmr10.ttf")
    font.set_size(100, 72)
    return font


@cache
def width(text: str) -> float:
    """Return the width of a line of text in em."""
    plain = text.replace(" ± ", "±").replace(THIN, "").translate(GLYPHS)
    _font().set_text("".join(one if one.isascii() else "n" for one in plain))
    return KERNED * float(_font().get_width_height()[0]) / 6400 + text.count(THIN) / 6


def fit(table: Printed) -> Fit:
    """Return the largest type size at which `table` fits its width, else its narrowest form at the smallest.

    Columns become narrower, the widest first: their headings, and those of text, down to their longest words.
    """
    whole = [max(_heading(column, "\n"), _cells(table, place)) for place, column in enumerate(table.columns)]
    least = [
        max(
            _heading(column, "[ \n]"),
            SLACK * _cells(table, place, "[ \n/]") if column.align == "l" else _cells(table, place),
        )
        for place, column in enumerate(table.columns)
    ]
    gaps = GAP * (len(whole) - 1)
    for size in [table.size] if table.size else TRIED:
        room = table.width * INCH / EM[size]
        if sum(whole) + gaps <= room:
            return Fit(size, {}, sum(whole) + gaps, room)

    def cut(step: int) -> list[float]:
        cap = max(whole) - 0.1 * step
        caps = enumerate(min(own, max(low, cap)) for own, low in zip(whole, least, strict=True))
        return [own if own == whole[place] else _taken(table, place, own) for place, own in caps]

    found = cut(bisect_left(range(ceil(10 * max(whole))), True, key=lambda step: sum(cut(step)) + gaps <= room))
    return Fit(size, {place: own for place, own in enumerate(found) if own < whole[place]}, sum(found) + gaps, room)


def _taken(table: Printed, place: int, room: float) -> float:
    """Return what a column of at most `room` em takes: less, if its cells and the lines of its heading are shorter."""
    column = table.columns[place]
    return room if column.align == "l" else max([_cells(table, place), *map(width, broken(column.heading, room))])


def _heading(column: Column, apart: str) -> float:
    return max(map(width, re.split(apart, column.heading)))


def _cells(table: Printed, place: int, apart: str = "\n") -> float:
    """Return the width of the widest cell of a column, or of its widest part between separators `apart`."""
    return max(_cell(row[place], apart) for _, block in table.blocks for row in block)


@cache
def _cell(cell: Cell, apart: str) -> float:
    bold = BOLD if cell.mark == "best" else 1
    return max(width(part + cell.note) * bold for part in re.split(apart, cell.text))


def broken(text: str, room: float) -> list[str]:
    """Return `text` in lines of at most `room` em, as far as its words allow."""
    lines = [""]
    for word in re.split("[ \n]", text):
        longer = f"{lines[-1]} {word}".strip()
        lines[-1:] = [longer] if width(longer) <= room else [lines[-1], word]
    return list(filter(None, lines))


def tiers(table: Printed) -> list[Printed]:
    """Return `table` if it fits, else its columns in two or more tables that do, each with the first column.

    Columns of text below each row are left out.
    """
    table = only(table, [place for place, column in enumerate(table.columns) if not column.below])
    count = len(table.columns)
    if count < 3 or (found := fit(table)).total <= found.room:
        return [table]
    pairs = [(only(table, range(cut)), only(table, [0, *range(cut, count)])) for cut in range(2, count)]
    first, second = min(pairs, key=lambda pair: max(fit(part).total for part in pair))
    return [*tiers(first), *tiers(second)]


def only(table: Printed, places: Sequence[int]) -> Printed:
    """Return `table` with the columns at `places`."""
    blocks = [(title, [[row[place] for place in places] for row in block]) for title, block in table.blocks]
    return table._replace(columns=[table.columns[place] for place in places], blocks=blocks)


def pages(table: Printed) -> list[Printed]:
    """Return `table` in parts of about one height that fit on a page; the last has the notes."""
    limit = table.height * INCH
    groups = _groups(table, limit)
    while limit > STEP and len(groups) > 1 and len(lower := _groups(table, limit - STEP)) == len(groups):
        groups, limit = lower, limit - STEP
    parts = [table._replace(blocks=group, notes=[]) for group in groups]
    parts[1:] = [
        part._replace(
            name=f"{part.name}-{n}", label=f"{part.label}-{n}", caption=f"{part.caption} Continued.", continued=True
        )
        for n, part in enumerate(parts[1:], 2)
    ]
    return [*parts[:-1], parts[-1]._replace(notes=table.notes)]


def _groups(table: Printed, limit: float) -> list[list[tuple[str, list[list[Cell]]]]]:
    """Return the blocks of a table in groups of at most `limit` pt, if possible of whole blocks."""
    groups: list[list[tuple[str, list[list[Cell]]]]] = [[]]
    for title, block in table.blocks:
        rest = block
        while rest:
            if groups[-1] and _height(table._replace(blocks=[*groups[-1], (title, rest)])) > limit:
                groups.append([])
            fitting = bisect_right(
                range(1, len(rest) + 1),
                limit,
                key=lambda count: _height(table._replace(blocks=[*groups[-1], (title, rest[:count])])),
            )
            count = max(1, fitting)  # a row that is higher than a page stands alone
            groups[-1].append((title, rest[:count]))
            rest = rest[count:]
    return groups


def _height(table: Printed) -> float:
    """Return about how high the tabular of `table` is in pt."""
    height = 0.0
    for number, tier in enumerate(tiers(table)):
        found = fit(tier)
        rows = [row for _, block in tier.blocks for row in block]
        texts = {place: own for place, own in found.narrowed.items() if tier.columns[place].align == "l"}
        lines = sum(max([1, *(len(broken(row[place].text, own)) for place, own in texts.items())]) for row in rows)
        lines += sum(1 + len(broken(title, found.total)) for title, _ in tier.blocks if title)
        below = [place for place, column in enumerate(table.columns) if column.below and number == 0]
        lines += sum(
            1 + len(broken(row[place].text, found.total))
            for _, block in table.blocks
            for row in block
            for place in below
        )
        height += SKIP[found.size] * (lines + 4)  # headings and rules
    return height
