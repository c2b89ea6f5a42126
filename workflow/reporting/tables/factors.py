"""How much of the accuracy is protocol, how much recipe, how much weight format.

Families that were trained with both recipes (ours and the authors') under both protocols form a balanced design. The
sum of squares of their accuracies splits exactly into main effects, interactions, and what folds and seeds leave. Only
folds and seeds that every cell of the design has are used. More epochs alone give a higher best test epoch, so the
shares at equal epochs stand beside those of the whole runs.
"""

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from workflow.experiments import curves
from workflow.reporting import models
from workflow.reporting.models import RECIPES
from workflow.reporting.records import ACCURACIES
from workflow.reporting.results import Results, cached
from workflow.reporting.table import Column, Sheet, Table, by_data, count, percent, rows_of, text
from workflow.training import scores

PROTOCOLS = ("group", "random")
AXES = ("protocol", "recipe", "format")
Effects = dict[tuple[str, ...], tuple[float, float]]  # factors -> (share, spread); () for folds and seeds
CSV = ["dataset", "front_end", "measure", "factor", "levels", "share", "spread", "n", "formats"]
CSV += ["equal_epochs", "share_equal_epochs", "spread_equal_epochs"]


COLUMNS = [
    Column("factor", "Factor", text, align="l"),
    Column("levels", "Levels", count),
    Column("share", "Share of\nvariance (%)", percent, digits=1),
    Column("spread", "Best minus worst\nlevel (points)", percent, digits=1),
    Column("share_equal_epochs", "Share at equal\nepochs (%)", percent, digits=1),
    Column("spread_equal_epochs", "Best minus worst at\nequal epochs (points)", percent, digits=1),
]


@cached
def design(results: Results, dataset: str, front_end: str) -> dict[str, dict[str, str]]:
    """Return family -> {recipe: model} for the families with both recipes.

    Of several models with one family and recipe, the one named as the family counts, else the first.
    """
    found: dict[str, dict[str, str]] = {}
    for *place, name in results.places:
        family, recipe = models.get(results, name)
        if place == [dataset, front_end] and (name == family or recipe not in found.get(family, {})):
            found.setdefault(family, {})[recipe] = name
    return {
        family: {recipe: entries[recipe] for recipe in RECIPES}
        for family, entries in found.items()
        if set(entries) == set(RECIPES)
    }


def cube(
    results: Results, measure: str, dataset: str, front_end: str, epochs: int | None = None
) -> tuple[np.ndarray, list[str]] | None:
    """Return the balanced design's accuracies (protocol, recipe, format, run) and its families; None if there is none.

    epochs: cut every run to its first epochs.
    """
    cells: dict[tuple[str, str, str], dict[tuple[int, int], float]] = {}
    families = design(results, dataset, front_end)
    for protocol, recipe, family in itertools.product(PROTOCOLS, RECIPES, families):
        experiment = dataset, front_end, families[family][recipe], protocol
        if epochs is None:
            cells[protocol, recipe, family] = results.by_run(measure, *experiment)
        else:
            cells[protocol, recipe, family] = cut(results, measure, epochs, *experiment)
    pairs = list(itertools.product(PROTOCOLS, RECIPES))
    full = [family for family in families if all(cells[*pair, family] for pair in pairs)]
    if len(full) < 2:
        return None
    shared = sorted(set.intersection(*(set(cells[*pair, family]) for pair in pairs for family in full)))
    if not shared:
        return None
    values = [[[[cells[p, r, family][run] for run in shared] for family in full] for r in RECIPES] for p in PROTOCOLS]
    return np.array(values), full


def cut(results: Results, measure: str, epochs: int, *experiment: str) -> dict[tuple[int, int], float]:
    """Return (fold, seed) -> `measure` within the first `epochs` epochs, without the runs whose curve lacks it.

    The best test epoch is a maximum over epochs, which grows with their number: only equal numbers compare.
    """
    found = {}
    for row in results.successful(*experiment).itertuples():
        value = _accuracy(measure, _curve(results, row.record)[:epochs])
        if value is not None:
            found[row.fold, row.seed] = value
    return found


def _accuracy(measure: str, epochs: list[curves.Epoch]) -> float | None:
    if not epochs or any(epoch.get("test_accuracy") is None for epoch in epochs):
        return None
    if measure == "best_epoch_accuracy":
        return max(epoch["test_accuracy"] for epoch in epochs)
    return scores.chosen(epochs)["test_accuracy"]


@cached
def _curve(results: Results, record: str) -> list[curves.Epoch]:
    return curves.read((results.root / record).with_name("metrics.jsonl"))


def split(values: np.ndarray) -> dict[tuple[str, ...], float]:
    """Return the sums of squares of a balanced array (protocol, recipe, format, run), by the factors of each effect.

    The key () holds the residual, runs within cells. All of them add up to the total sum of squares.
    """
    effects: dict[tuple[int, ...], np.ndarray] = {}
    result: dict[tuple[str, ...], float] = {}
    for axes in itertools.chain.from_iterable(itertools.combinations(range(3), size) for size in range(4)):
        effect = values.mean(axis=tuple(axis for axis in range(4) if axis not in axes), keepdims=True)
        for lower, known in effects.items():
            if set(lower) < set(axes):
                effect = effect - known
        effects[axes] = effect
        if axes:
            squares = np.broadcast_to(effect, values.shape) ** 2
            result[tuple(AXES[axis] for axis in axes)] = float(squares.sum())
    within = values - values.mean(axis=-1, keepdims=True)
    return result | {(): float((within**2).sum())}


def effects(values: np.ndarray) -> Effects:
    """Return the share of the variance of each effect, and best minus worst level of each factor."""
    sums = split(values)
    total = sum(sums.values())
    found = {}
    for factors, squares in sums.items():
        spread = math.nan
        if len(factors) == 1:
            axis = AXES.index(factors[0])
            means = values.mean(axis=tuple(other for other in range(4) if other != axis))
            spread = float(means.max() - means.min())
        found[factors] = (squares / total if total else math.nan, spread)
    return found


@cached
def build(results: Results) -> pd.DataFrame:
    """Return a row per data set, front end, measure and factor or interaction; share and spread are fractions."""
    rows = []
    data = dict.fromkeys(place[:2] for place in results.places)
    for (dataset, front_end), measure in itertools.product(data, ACCURACIES):
        found = cube(results, measure, dataset, front_end)
        if found is None:
            continue
        values, families = found
        epochs = _fewest_epochs(results, dataset, front_end)
        shortened = cube(results, measure, dataset, front_end, epochs)
        equal = effects(shortened[0]) if shortened is not None and shortened[0].shape == values.shape else {}
        for factors, (share, spread) in effects(values).items():
            sizes = [values.shape[AXES.index(name)] for name in factors]
            row = {"dataset": dataset, "front_end": front_end, "measure": measure, "n": values.size}
            row |= {"factor": " x ".join(factors) or "folds and seeds", "formats": " ".join(families)}
            row |= {"levels": math.prod(sizes) if sizes else values.shape[3], "equal_epochs": epochs}
            row |= {"share": share, "spread": spread}
            row["share_equal_epochs"], row["spread_equal_epochs"] = equal.get(factors, (math.nan, math.nan))
            rows.append(row)
    return pd.DataFrame(rows, columns=CSV)


def _fewest_epochs(results: Results, dataset: str, front_end: str) -> int:
    """Return the smallest number of epochs of the design's experiments, each taken by its longest run."""
    entries = [name for found in design(results, dataset, front_end).values() for name in found.values()]
    runs = [results.successful(dataset, front_end, *pair) for pair in itertools.product(entries, PROTOCOLS)]
    return int(min((found["epochs"].max() for found in runs if len(found)), default=0))


def sheets(results: Results, frame: pd.DataFrame) -> Iterator[Sheet]:
    """Yield a sheet per data set and front end, with a block per accuracy."""
    frame = frame.assign(factor=frame["factor"].str.replace(" x ", " × "))
    for dataset, front_end, label, rows in by_data(results, frame):
        blocks = [(ACCURACIES[measure], rows_of(part)) for measure, part in rows.groupby("measure", sort=False)]
        caption = f"What the accuracy depends on, {label}: protocol, recipe or format."
        yield Sheet(f"factors-{dataset}-{front_end}", caption, blocks, _notes(results, rows.iloc[0]))


def _notes(results: Results, first: pd.Series) -> list[str]:
    families = first["formats"].split()
    names = ", ".join(models.label(results, family) for family in families)
    entries = design(results, first["dataset"], first["front_end"])
    changed = dict.fromkeys(
        name
        for family in families
        for name in models.differences(results, first["dataset"], first["front_end"], *entries[family].values())
    )
    return [
        f"{first['n']} runs: {names}, each with both recipes (ours, authors') under both protocols, over the folds and "
        "seeds that all have. Shares of the sum of squares; they add up to 100 %. A format's spread also includes "
        "chance differences between its runs.",
        f"The two recipes of a format differ in: {', '.join(changed)}.",
        f"At equal epochs: every run cut to its first {first['equal_epochs']} epochs, the fewest of these models.",
    ]


EMPTY = "No two formats were trained with both recipes under both protocols."
TABLE = Table("factors", "Protocol, recipe or format", 8, build, sheets, COLUMNS, EMPTY)
