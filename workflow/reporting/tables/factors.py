"""factors: how much of the accuracy is protocol, how much start and recipe, how much the format.

Models that were run with both starts (`init: matched` and `init: authors`) under both protocols form a balanced
design; the sum of squares of their accuracies splits exactly into main effects, interactions, and what folds and
seeds leave. Only folds and seeds that every cell of the design has are used.

An entry with its authors' start differs from the matched one in more than the start (input scale, epochs, perhaps the
learning rate), so that the factor is the whole recipe; the note under the table says what it holds. Since more epochs
alone make a higher best test epoch, the shares at equal epochs stand beside those of the whole runs.
"""

import itertools
import math
from functools import lru_cache

import numpy as np
import pandas as pd

from workflow.reporting import counted, equal_epochs, recipe
from workflow.reporting import layout as layouts
from workflow.reporting.render import HOLE, Cell, Column, Sheet, number
from workflow.reporting.results import Results
from workflow.reporting.tables.accuracy import ACCURACIES
from workflow.reporting.tables.leakage import BLOCKS

EMPTY = "No two formats were run with both starts and recipes under both protocols."
STARTS = ("matched", "authors")
PROTOCOLS = ("group", "random")
RECIPE = "start and recipe"
AXES = ("protocol", RECIPE, "format")
COLUMNS = {
    "factor": Column("factor", ("Factor",), number=False),
    "levels": Column("levels", ("Levels",)),
    "share": Column("share", ("Share of", "variance (%)")),
    "spread": Column("spread", ("Best less worst", "level (points)")),
    "share_equal_epochs": Column("share_equal_epochs", ("Share at equal", "epochs (%)")),
    "spread_equal_epochs": Column("spread_equal_epochs", ("Best less worst at", "equal epochs (points)")),
}
CSV = ["dataset", "front_end", "measure", "factor", "levels", "share", "spread", "n", "formats"]
CSV += ["equal_epochs", "share_equal_epochs", "spread_equal_epochs"]


def start_of(results: Results, dataset: str, front_end: str, model: str) -> str | None:
    """The starting scale of a model (`init`), None where neither configuration nor records tell."""
    if counted.arguments(results, dataset, front_end, model) is None:
        return None
    return recipe.of(results, dataset, front_end, model)[recipe.START]


def design(results: Results, dataset: str, front_end: str) -> dict[str, dict[str, str]]:
    """format family -> {start: model}, for the families that have both starts."""
    found: dict[str, dict[str, str]] = {}
    here = counted.places(results)
    for model in here.loc[(here["dataset"] == dataset) & (here["front_end"] == front_end), "model"]:
        start = start_of(results, dataset, front_end, model)
        if start in STARTS:
            found.setdefault(layouts.base_model(results.layout, model) or model, {})[start] = model
    return {family: models for family, models in found.items() if len(models) == len(STARTS)}


def epochs_of_all(results: Results, dataset: str, front_end: str) -> int:
    """The smallest number of epochs among the entries of the design."""
    models = [model for found in design(results, dataset, front_end).values() for model in found.values()]
    settings = [(dataset, front_end, model, protocol) for model in models for protocol in PROTOCOLS]
    return equal_epochs.fewest(results, [setting for setting in settings if len(results.successful(*setting))])


def cube(
    results: Results, measure: str, dataset: str, front_end: str, epochs: int | None = None
) -> tuple[np.ndarray, list[str]] | None:
    """Accuracies (protocol, start, format, run) of the balanced design and its formats; None where there is none.

    With `epochs`, those of the runs' first `epochs` epochs.
    """

    def runs(*setting: str) -> dict[tuple[int, int], float]:
        if epochs is None:
            return results.by_run(measure, *setting)
        return equal_epochs.by_run(results, measure, epochs, *setting)

    families = design(results, dataset, front_end)
    cells = {
        (protocol, start, family): runs(dataset, front_end, models[start], protocol)
        for protocol, start, (family, models) in itertools.product(PROTOCOLS, STARTS, families.items())
    }
    whole = [name for name in families if all(cells[p, s, name] for p, s in itertools.product(PROTOCOLS, STARTS))]
    kept = [found.keys() for (_, _, family), found in cells.items() if family in whole]
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
def build(results: Results) -> pd.DataFrame:
    """factors.csv: a row per data set, front end, measure and factor or interaction; share and spread as fractions."""
    rows = []
    places = results.experiments[["dataset", "front_end"]].drop_duplicates().itertuples(index=False, name=None)
    for (dataset, front_end), measure in itertools.product(places, ACCURACIES):
        found = cube(results, measure, dataset, front_end)
        if found is None:
            continue
        values, formats = found
        epochs = epochs_of_all(results, dataset, front_end)
        cut = cube(results, measure, dataset, front_end, epochs)
        equal = effects(cut[0]) if cut is not None and cut[0].shape == values.shape else {}
        for factors, (share, spread) in effects(values).items():
            row = {"dataset": dataset, "front_end": front_end, "measure": measure, "n": values.size}
            row |= {"factor": " x ".join(factors) or "folds and seeds", "formats": " ".join(formats)}
            row |= {"share": share, "spread": spread, "equal_epochs": epochs}
            row["levels"] = (
                math.prod(values.shape[AXES.index(name)] for name in factors) if factors else values.shape[3]
            )
            row["share_equal_epochs"], row["spread_equal_epochs"] = equal.get(factors, (math.nan, math.nan))
            rows.append(row)
    return pd.DataFrame(rows, columns=CSV)


def effects(values: np.ndarray) -> dict[tuple[str, ...], tuple[float, float]]:
    """(share of the sum of squares, best less worst level) by factors; a spread only of a single factor."""
    parts = split(values)
    total = sum(parts.values())
    found = {}
    for factors, squares in parts.items():
        spread = math.nan
        if len(factors) == 1:
            axis = AXES.index(factors[0])
            means = values.mean(axis=tuple(other for other in range(4) if other != axis))
            spread = float(means.max() - means.min())
        found[factors] = (squares / total if total else math.nan, spread)
    return found


def sheets(results: Results) -> list[Sheet]:
    """One printed table per data set and front end, a block per accuracy."""
    table = layouts.keep(results.layout, "factors", build(results))
    chosen = layouts.choose(results.layout, "factors", COLUMNS)
    result = []
    for (dataset, front_end), rows in table.groupby(["dataset", "front_end"], sort=False):
        blocks = [
            (BLOCKS[measure], [[_cell(results, key, row) for key in chosen] for row in part.to_dict("records")])
            for measure, part in rows.groupby("measure", sort=False)
        ]
        setting = layouts.setting_label(results.layout, dataset, front_end)
        caption = f"What the accuracy depends on, {setting}: protocol, start and recipe, or format."
        columns = [COLUMNS[key] for key in chosen]
        result.append(Sheet(f"factors-{dataset}-{front_end}", caption, columns, blocks, _notes(results, rows)))
    return result


def _notes(results: Results, rows: pd.DataFrame) -> list[str]:
    first = rows.iloc[0]
    families = first["formats"].split()
    names = ", ".join(layouts.model_label(results.layout, name) for name in families)
    models = design(results, first["dataset"], first["front_end"])
    pairs = {name: (models[name][STARTS[0]], models[name][STARTS[1]]) for name in families}
    changed = recipe.differences(results, first["dataset"], first["front_end"], pairs)
    return [
        f"{first['n']} runs: {names}, each with both starts and recipes (matched, published) under both protocols, "
        "over the folds and seeds that all have. Shares of the sum of squares; they add up to 100 %. A format's spread "
        "also holds what chance puts between its runs.",
        f"{RECIPE}: all that differs between the two entries of a format: {changed}.",
        f"At equal epochs: every run cut to its first {first['equal_epochs']} epochs, the fewest that any of these "
        "entries was given.",
    ]


def _cell(results: Results, key: str, row: dict) -> Cell:
    if key in ("factor", "levels"):
        return Cell(str(row[key]).replace(" x ", " × "))
    if pd.isna(row[key]):
        return Cell(HOLE)
    return Cell(number(100 * row[key], layouts.digits(results.layout, "factors", key, 1)), number=True)
