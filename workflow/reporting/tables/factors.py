"""How much protocol, recipe and weight format each contribute to the accuracy.

Families that were trained with both recipes (ours and the authors') under both protocols form a balanced design. The
sum of squares of their accuracies splits exactly into main effects, interactions, and what folds and seeds leave. Only
folds and seeds that every cell of the design has are used. More epochs alone give a higher best test epoch, so the
shares at equal epochs are printed next to those of the whole runs.
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
from workflow.reporting.table import Column, Sheet, Table, by_data, text
from workflow.training import scores

PROTOCOLS = ("group", "random")
AXES = ("protocol", "recipe", "format")
Factors = tuple[str, ...]  # of an effect; () for folds and seeds
VALUES = ["share", "spread"]
CSV = ["dataset", "front_end", "measure", "factor", "levels", *VALUES, "n", "formats"]
CSV += ["equal_epochs", *(f"{name}_equal_epochs" for name in VALUES)]
COLUMNS = [
    Column("factor", "Factor", text, align="l"),
    Column("levels", "Levels"),
    Column("share", "Share of\nvariance (%)", digits=1, scale=100),
    Column("spread", "Best minus worst\nlevel (points)", digits=1, scale=100),
    Column("share_equal_epochs", "Share at equal\nepochs (%)", digits=1, scale=100),
    Column("spread_equal_epochs", "Best minus worst at\nequal epochs (points)", digits=1, scale=100),
]


@cached
def design(results: Results, dataset: str, front_end: str) -> dict[str, dict[str, str]]:
    """Return family -> {recipe: model} for the families with both recipes.

    Of several models with one family and recipe, use the one named after the family, else the first.
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


def cells(results: Results, measure: str, dataset: str, front_end: str, epochs: int | None = None) -> pd.Series:
    """Return the balanced design's accuracies, indexed by fold, seed and AXES; empty with fewer than two families.

    epochs: use only that many first epochs of every run.
    """
    columns: dict[tuple[str, str, str], pd.Series] = {}
    for family, entries in design(results, dataset, front_end).items():
        own = {}
        for protocol, (recipe, model) in itertools.product(PROTOCOLS, entries.items()):
            experiment = dataset, front_end, model, protocol
            whole = results.by_run(measure, *experiment)
            own[protocol, recipe, family] = whole if epochs is None else cut(results, measure, epochs, *experiment)
        columns |= own if all(map(len, own.values())) else {}
    if len(columns) < 2 * len(PROTOCOLS) * len(RECIPES):
        return pd.Series(dtype=float)
    table = pd.DataFrame(columns).dropna().rename_axis(columns=AXES)
    return table.stack(list(AXES), future_stack=True)


def cut(results: Results, measure: str, epochs: int, *experiment: str) -> pd.Series:
    """Return `measure` within the first `epochs` epochs by (fold, seed), without the runs whose curve lacks it.

    The best test epoch is a maximum over epochs, which grows with their number: only equal numbers compare.
    """
    runs = results.successful(*experiment).set_index(["fold", "seed"])
    found = [_accuracy(measure, _curve(results, record)[:epochs]) for record in runs["record"]]
    return pd.Series(found, runs.index, dtype=float).dropna()


def _accuracy(measure: str, epochs: list[curves.Epoch]) -> float | None:
    accuracies = curves.column(epochs, "test_accuracy")
    if not accuracies or any(map(math.isnan, accuracies)):
        return None
    return max(accuracies) if measure == "best_epoch_accuracy" else scores.chosen(epochs)["test_accuracy"]


@cached
def _curve(results: Results, record: str) -> list[curves.Epoch]:
    return curves.read(results.file(record, "metrics.jsonl"))


def split(values: pd.Series) -> dict[Factors, float]:
    """Return the sums of squares of a balanced design (a series indexed by AXES), by the factors of each effect.

    The key () holds the residual, runs within cells. All of them add up to the total sum of squares.
    """
    effects: dict[Factors, pd.Series] = {}
    for factors in itertools.chain.from_iterable(itertools.combinations(AXES, size) for size in range(4)):
        level = values.groupby(level=list(factors)).transform("mean") if factors else values.mean()
        effects[factors] = level - sum(effect for lower, effect in effects.items() if set(lower) < set(factors))
    effects[()] = values - values.groupby(level=list(AXES)).transform("mean")
    return {factors: float((effects[factors] ** 2).sum()) for factors in [*list(effects)[1:], ()]}


def shares(values: pd.Series) -> pd.DataFrame:
    """Return the share of the variance of each effect, its levels, and best minus worst level of each factor."""
    sums = split(values)
    total, sizes = sum(sums.values()), {name: values.index.get_level_values(name).nunique() for name in AXES}
    within = len(values) // math.prod(sizes.values())
    rows = []
    for factors, squares in sums.items():
        levels = math.prod(sizes[name] for name in factors) if factors else within
        spread = np.ptp(values.groupby(level=factors[0]).mean()) if len(factors) == 1 else math.nan
        rows.append((" x ".join(factors) or "folds and seeds", levels, squares / total if total else math.nan, spread))
    return pd.DataFrame(rows, columns=["factor", "levels", "share", "spread"])


@cached
def build(results: Results) -> pd.DataFrame:
    """Return a row per data set, front end, measure and factor or interaction; share and spread are fractions."""
    tables = []
    data = dict.fromkeys(place[:2] for place in results.places)
    for (dataset, front_end), measure in itertools.product(data, ACCURACIES):
        values = cells(results, measure, dataset, front_end)
        if values.empty:
            continue
        epochs = _fewest_epochs(results, dataset, front_end)
        equal = cells(results, measure, dataset, front_end, epochs)
        found = shares(values).assign(dataset=dataset, front_end=front_end, measure=measure, n=len(values))
        shortened = shares(equal if len(equal) == len(values) else values * math.nan)
        formats = " ".join(values.index.unique("format"))
        found = found.assign(formats=formats, equal_epochs=epochs)
        tables.append(found.join(shortened[VALUES].add_suffix("_equal_epochs")))
    return pd.concat(tables, ignore_index=True)[CSV] if tables else pd.DataFrame(columns=CSV)


def _fewest_epochs(results: Results, dataset: str, front_end: str) -> int:
    """Return the smallest number of epochs of the design's experiments, each taken by its longest run."""
    entries = [name for found in design(results, dataset, front_end).values() for name in found.values()]
    runs = results.successful_records
    runs = runs[(runs["dataset"] == dataset) & (runs["front_end"] == front_end) & runs["model"].isin(entries)]
    return int(runs.groupby(["model", "protocol"])["epochs"].max().min())


def sheets(results: Results, frame: pd.DataFrame) -> Iterator[Sheet]:
    """Yield a sheet per data set and front end, with a block per accuracy."""
    frame = frame.assign(factor=frame["factor"].str.replace(" x ", " × "), block=frame["measure"].map(ACCURACIES))
    for dataset, front_end, label, rows in by_data(results, frame):
        caption = f"What the accuracy depends on, {label}: protocol, recipe or format."
        yield Sheet(f"{dataset}-{front_end}", caption, rows, _notes(results, rows.iloc[0]))


def _notes(results: Results, first: pd.Series) -> list[str]:
    families, place = first["formats"].split(), (first["dataset"], first["front_end"])
    names = ", ".join(models.label(results, family) for family in families)
    entries = design(results, *place)
    differences = [models.differences(results, *place, *entries[family].values()) for family in families]
    return [
        f"{first['n']} runs: {names}, each with both recipes (ours, authors') under both protocols, over the folds and "
        "seeds that all have. Shares of the sum of squares; they add up to 100 %. A format's spread also includes "
        "chance differences between its runs.",
        f"The two recipes of a format differ in: {', '.join(dict.fromkeys(itertools.chain(*differences)))}.",
        f"At equal epochs: every run cut to its first {first['equal_epochs']} epochs, the fewest of these models.",
    ]


EMPTY = "No two formats were trained with both recipes under both protocols."
TABLE = Table("factors", "Protocol, recipe or format", 8, build, sheets, COLUMNS, EMPTY)
