"""The cost of one time step of one sequence in each format, computed from its declaration."""

import re
from collections.abc import Callable, Iterator

import pandas as pd

from workflow.reporting import models
from workflow.reporting.render import escape_tex
from workflow.reporting.results import Results, cached
from workflow.reporting.table import MODEL, Cell, Column, Note, Row, Sheet, Table, frame, sheet_per_data


def formula(results: Results, row: Row, column: Column) -> Cell:
    """Show a formula as text and as mathematics."""
    return Cell(readable(row["formula"]), tex=typeset(row["formula"]))


COLUMNS = [
    MODEL,
    Column("weights", "Weights\nW + U"),
    Column("multiply_adds", "Multiply-adds\nper step"),
    Column("peak", "Largest\nintermediate"),
    Column("formula", "Multiply-adds as a formula", formula, align="l", below=True),
]
NOTE = (
    "One time step of one sequence, in the order of contraction with the fewest multiply-adds of those that the engine "
    "knows; a dense U is included. Largest intermediate: number of values."
)
SYMBOLS = {  # part of a formula -> what its symbols are
    "": "N, M: sizes of input and output; H: hidden size.",
    "n_P": "The cores are merged into two halves P and Q joined by bonds of size s; n_P and n_Q cover the input, m_P "
    "and m_Q the output.",
    "s_1": "If P is applied in two parts, the second has n_1 inputs and bonds of size s_1; the first hands w values "
    "to it.",
}


@cached
def build(results: Results) -> pd.DataFrame:
    """Return a row per data set, front end and model whose format is a tensor network."""

    def complexity(*place: str) -> Row:
        declared = models.declaration(results, *place)
        return declared.complexity() if declared else {}

    return frame(results, COLUMNS, complexity)


def readable(text: str) -> str:
    """Return a declaration's formula (factors with spaces between them) as plain text: n_P·n_Q·s + 4·H²."""
    return _mapped(text, lambda term: term.replace("^2", "²").replace(" ", "·"), str)


def typeset(text: str) -> str:
    """Return a declaration's formula as LaTeX that breaks after plus signs and between the sizes."""
    return _mapped(text, lambda term: re.sub(r"_(\w)", r"_{\1}", f"${term}$"), escape_tex)


def _mapped(text: str, term: Callable[[str], str], words: Callable[[str], str]) -> str:
    """Apply `term` to each product and each size (N=3600), and `words` to a sum that is described in words."""
    parts = [part.rpartition(": ") for part in text.split("; ")]
    for place, (label, colon, body) in enumerate(parts):
        between, terms = (", ", body.split()) if "=" in body else (" + ", body.split(" + "))
        found = words(body.replace(" x ", " × ")) if "|" in body else between.join(map(term, terms))
        parts[place] = label, colon, found
    return "; ".join(map("".join, parts))


def sheets(results: Results, frame: pd.DataFrame) -> Iterator[Sheet]:
    """Yield a sheet per data set and front end, with the symbols of its formulas."""
    for sheet in sheet_per_data("Complexity on {data}.", NOTE)(results, frame):
        symbols = [
            text for part, text in SYMBOLS.items() if sheet.rows["formula"].str.contains(part, regex=False).any()
        ]
        yield sheet._replace(notes=[*sheet.notes, Note(" ".join(symbols), ("formula",))])


TABLE = Table("complexity", "Complexity", 3, build, sheets, COLUMNS, needs="configuration")
