"""factors: how much of the accuracy is protocol, how much the starting scale, how much the format.

Models that were run with both starts (`init: matched` and `init: published`) under both protocols form a balanced
design; the sum of squares of their accuracies splits exactly into main effects, interactions, and what folds and
seeds leave. Only folds and seeds that every cell of the design has are used.
"""

import itertools
import math
from functools import lru_cache

import numpy as np
import pandas as pd

from workflow.reporting import layout as layouts
from workflow.reporting.content import counted
from workflow.reporting.content.accuracy import ACCURACIES
from workflow.reporting.content.leakage import BLOCKS
from workflow.reporting.content.material import Material
from workflow.reporting.render import HOLE, Cell, Column, Sheet, number

EMPTY = "No two formats were run with both starting scales under both protocols."
STARTS = ("matched", "published")
PROTOCOLS = ("group", "published")
AXES = ("protocol", "start", "format")
COLUMNS = {
    "factor": Column("factor", ("Factor",), number=False),
    "levels": Column("levels", ("Levels",)),
    "share": Column("share", ("Share of", "variance (%)")),
    "spread": Column("spread", ("Best less worst", "level (points)")),
}
CSV = ["dataset", "front_end", "measure", "factor", "levels", "share", "spread", "n", "formats"]


def start_of(material: Material, dataset: str, front_end: str, model: str) -> str | None:
    """The starting scale of a model (`init`), None where neither configuration nor records tell."""
    arguments = counted.arguments(material, dataset, front_end, model)
    return None if arguments is None else arguments.get("init", "matched")


def design(material: Material, dataset: str, front_end: str) -> dict[str, dict[str, str]]:
    """format family -> {start: model}, for the families that have both starts."""
    found: dict[str, dict[str, str]] = {}
    here = counted.places(material)
    for model in here.loc[(here["dataset"] == dataset) & (here["front_end"] == front_end), "model"]:
        start = start_of(material, dataset, front_end, model)
        if start in STARTS:
            found.setdefault(layouts.base_model(material.layout, model) or model, {})[start] = model
    return {family: models for family, models in found.items() if len(models) == len(STARTS)}


def cube(material: Material, measure: str, dataset: str, front_end: str) -> tuple[np.ndarray, list[str]] | None:
    """Accuracies (protocol, start, format, run) of the balanced design and its formats; None where there is none."""
    families = design(material, dataset, front_end)
    cells = {
        (protocol, start, family): material.by_run(measure, dataset, front_end, models[start], protocol)
        for protocol, start, (family, models) in itertools.product(PROTOCOLS, STARTS, families.items())
    }
    whole = [name for name in families if all(cells[p, s, name] for p, s in itertools.product(PROTOCOLS, STARTS))]
    kept = [runs.keys() for (_, _, family), runs in cells.items() if family in whole]
    shared = sorted(set.intersection(*map(set, kept))) if kept else []
    if len(whole) < 2 or not shared:
        return None
    values = [[[[cells[p, s, name][run] for run in shared] for name in whole] for s in STARTS] for p in PROTOCOLS]
    return np.array(values), whole


def split(values: np.ndarray) -> dict[tuple[str, ...], float]:
    """Sums of squares of a balanced (protocol, start, format, run) array, by the factors whose effect they are.

    The key () holds the residual: runs within cells. All of them add up to the total sum of squares.
    """
    sums: dict[tuple[int, ...], np.ndarray] = {}
    result = {}
    for size in range(len(AXES) + 1):
        for axes in itertools.combinations(range(len(AXES)), size):
            others = tuple(axis for axis in range(values.ndim) if axis not in axes)
            effect = values.mean(axis=others, keepdims=True)
            for lower, known in sums.items():
                if set(lower) < set(axes):
                    effect = effect - known
            sums[axes] = effect
            if axes:
                spread = np.broadcast_to(effect, values.shape)
                result[tuple(AXES[axis] for axis in axes)] = float((spread**2).sum())
    within = values - values.mean(axis=-1, keepdims=True)
    return result | {(): float((within**2).sum())}


@lru_cache(maxsize=8)
def build(material: Material) -> pd.DataFrame:
    """factors.csv: a row per data set, front end, measure and factor or interaction; share and spread as fractions."""
    rows = []
    places = material.settings[["dataset", "front_end"]].drop_duplicates().itertuples(index=False, name=None)
    for (dataset, front_end), measure in itertools.product(places, ACCURACIES):
        found = cube(material, measure, dataset, front_end)
        if found is None:
            continue
        values, formats = found
        parts = split(values)
        total = sum(parts.values())
        for factors, squares in parts.items():
            row = {"dataset": dataset, "front_end": front_end, "measure": measure, "n": values.size}
            row |= {"factor": " x ".join(factors) or "folds and seeds", "formats": " ".join(formats)}
            row |= {"share": squares / total if total else math.nan, "spread": math.nan}
            row["levels"] = (
                math.prod(values.shape[AXES.index(name)] for name in factors) if factors else values.shape[3]
            )
            if len(factors) == 1:
                axis = AXES.index(factors[0])
                means = values.mean(axis=tuple(other for other in range(4) if other != axis))
                row["spread"] = float(means.max() - means.min())
            rows.append(row)
    return pd.DataFrame(rows, columns=CSV)


def sheets(material: Material) -> list[Sheet]:
    """One printed table per data set and front end, a block per accuracy."""
    table = layouts.keep(material.layout, "factors", build(material))
    chosen = layouts.choose(material.layout, "factors", COLUMNS)
    result = []
    for (dataset, front_end), rows in table.groupby(["dataset", "front_end"], sort=False):
        blocks = [
            (BLOCKS[measure], [[_cell(material, key, row) for key in chosen] for row in part.to_dict("records")])
            for measure, part in rows.groupby("measure", sort=False)
        ]
        names = [layouts.model_label(material.layout, name) for name in rows["formats"].iloc[0].split()]
        notes = [
            f"{rows['n'].iloc[0]} runs: {', '.join(names)}, each with both starting scales (matched, published) "
            "under both protocols, over the folds and seeds that all have. Shares of the sum of squares; they add "
            "up to 100 %. A format's spread also holds what chance puts between its runs."
        ]
        setting = layouts.setting_label(material.layout, dataset, front_end)
        caption = f"What the accuracy depends on, {setting}: protocol, starting scale or format."
        columns = [COLUMNS[key] for key in chosen]
        result.append(Sheet(f"factors-{dataset}-{front_end}", caption, columns, blocks, notes))
    return result


def _cell(material: Material, key: str, row: dict) -> Cell:
    if key in ("factor", "levels"):
        return Cell(str(row[key]).replace(" x ", " × "))
    if pd.isna(row[key]):
        return Cell(HOLE)
    return Cell(number(100 * row[key], layouts.digits(material.layout, "factors", key, 1)), number=True)
