"""complexity: what one time step of one sequence costs in each format, from its declaration alone."""

import re
from functools import lru_cache

import pandas as pd

from workflow.reporting import counted
from workflow.reporting import layout as layouts
from workflow.reporting.render import Cell, Column, Sheet, escape_tex, number
from workflow.reporting.results import Results

COLUMNS = {
    "model": Column("model", ("Model",), number=False),
    "weights": Column("weights", ("Weights", "W + U")),
    "multiply_adds": Column("multiply_adds", ("Multiply-adds", "per step")),
    "peak": Column("peak", ("Largest", "intermediate")),
    "formula": Column("formula", ("Multiply-adds as a formula",), number=False, width="0.33\\linewidth"),
}
NOTE = (
    "One time step of one sequence, in the order of contraction that needs the fewest multiply-adds; largest "
    "intermediate in numbers. A dense U is included."
)


@lru_cache(maxsize=8)
def build(results: Results) -> pd.DataFrame:
    """complexity.csv: a row per data set, front end and model whose format is a declaration of cores."""
    rows = []
    for dataset, front_end, model in counted.places(results).itertuples(index=False, name=None):
        declaration = counted.declared(results, dataset, front_end, model)
        if declaration is not None:
            place = {"dataset": dataset, "front_end": front_end, "model": model}
            rows.append(place | dict(declaration.complexity()))
    whole = dict.fromkeys(("weights", "multiply_adds", "peak"), "Int64")
    return pd.DataFrame(rows, columns=["dataset", "front_end", *COLUMNS]).astype(whole)


def sheets(results: Results) -> list[Sheet]:
    """One printed table per data set and front end."""
    table = layouts.keep(results.layout, "complexity", build(results))
    chosen = layouts.choose(results.layout, "complexity", COLUMNS)
    result = []
    for (dataset, front_end), rows in table.groupby(["dataset", "front_end"], sort=False):
        cells = [[_cell(results, key, row) for key in chosen] for row in rows.to_dict("records")]
        setting = layouts.setting_label(results.layout, dataset, front_end)
        caption, label = f"Complexity on {setting}.", f"complexity-{dataset}-{front_end}"
        result.append(Sheet(label, caption, [COLUMNS[key] for key in chosen], [("", cells)], [NOTE]))
    return result


def _cell(results: Results, key: str, row: dict) -> Cell:
    if key == "model":
        return Cell(layouts.model_label(results.layout, row["model"]))
    if key == "formula":
        return Cell(readable(row["formula"]), tex=typeset(row["formula"]))
    return Cell(number(row[key]), number=True)


def readable(formula: str) -> str:
    """A formula of a declaration (factors with spaces between them) as plain text: n_P·n_Q·s + 4·H²."""
    return _mapped(formula, lambda term: term.replace("^2", "²").replace(" ", "·"), str)


def typeset(formula: str) -> str:
    """The same as LaTeX, whose mathematics breaks after plus signs and between the sizes."""
    return _mapped(formula, lambda term: re.sub(r"_(\w)", r"_{\1}", f"${term}$"), escape_tex)


def _mapped(formula: str, term, words) -> str:
    """`formula` with `term` applied to each of its products and sizes (as N=3600), `words` to what is no formula."""
    parts = []
    for part in formula.split("; "):
        label, _, body = part.rpartition(": ")
        label = f"{label}: " if label else ""
        if "|" in body:  # a sum that is told in words
            parts.append(label + words(body.replace(" x ", " × ")))
        elif "=" in body:
            parts.append(label + ", ".join(term(size) for size in body.split()))
        else:
            parts.append(label + " + ".join(term(product) for product in body.split(" + ")))
    return "; ".join(parts)
