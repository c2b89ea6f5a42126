"""How much protocol, recipe, search and weight format contribute to the accuracy, as differences with intervals.

protocol: random minus group, averaged over the trained models with our recipe. siblings: all test clips with a sibling
in training minus none, averaged over the models that fix the share. recipe: ours minus the authors', averaged over the
families that were trained with both. search: a model minus the first that differs from it in the searched values alone.
format: a model with our recipe minus the dense LSTM. Averages are over the folds and seeds that all models of a
difference have. More epochs alone give a higher best test epoch, so differences are also given at equal epochs: every
run cut to the fewest epochs of these models (if its curve is there).
"""

import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from workflow.experiments import curves
from workflow.reporting import models
from workflow.reporting.models import OURS, RECIPES
from workflow.reporting.records import ACCURACIES
from workflow.reporting.results import Results, cached
from workflow.reporting.statistics import Interval, difference, of_runs
from workflow.reporting.table import Column, Note, Row, Sheet, Table, interval, text
from workflow.training import scores

PROTOCOLS = ("group", "random")
SHARES = ("siblings_100", "siblings_0")
VALUES = {"difference": "mean", "low": "low", "high": "high", "folds": "folds"}  # column -> field of the estimate
CSV = ["dataset", "front_end", "measure", "factor", "protocol", "first", "second", *VALUES, "equal_epochs"]
CSV += [f"{name}_equal_epochs" for name in VALUES]


COLUMNS = [
    Column("difference_of", "Difference of", text, align="l"),
    Column("difference", "Points", digits=1, scale=100, sign=True),
    Column("interval", "95 % interval", interval, digits=1, scale=100, sign=True),
    Column("folds", "n"),
    Column("difference_equal_epochs", "Points at\nequal epochs", digits=1, scale=100, sign=True),
    Column("interval_equal_epochs", "95 % interval at\nequal epochs", interval, digits=1, scale=100, sign=True),
]

NOTES = {
    "siblings": "Siblings: with a clip of the same source in training for all test clips, minus for none; the test "
    "clips and the numbers of training clips and sources are the same.",
    "search": "Search: a model minus the first one that differs from it only in the searched values, over the folds "
    "and seeds that both have; no two runs share random numbers.",
}


class Contrast(NamedTuple):
    """A difference between the means of two lists of models, each under a protocol."""

    factor: str
    protocols: tuple[str, str]  # of the first and the second list
    first: list[str]
    second: list[str]

    @property
    def protocol(self) -> str:
        """Return the protocol of both lists; "" if they have one each."""
        return self.protocols[0] if len(set(self.protocols)) == 1 else ""


@cached
def design(results: Results, dataset: str, front_end: str) -> dict[str, dict[str, str]]:
    """Return family -> {recipe: model} for the families with both recipes.

    Of several models with one family and recipe, use the one named after the family, else the first.
    """
    found: dict[str, dict[str, str]] = {}
    for name in models.compared_on(results, dataset, front_end):
        family, recipe = models.get(results, name)
        if name == family or recipe not in found.get(family, {}):
            found.setdefault(family, {})[recipe] = name
    complete = {family: entries for family, entries in found.items() if len(entries) == len(RECIPES)}
    return {family: {recipe: entries[recipe] for recipe in RECIPES} for family, entries in complete.items()}


@cached
def searches(results: Results, dataset: str, front_end: str) -> dict[str, str]:
    """Return model -> the first model that differs from it only in the values searched."""
    first: dict[str, str] = {}
    found = {}
    for name in results.models_on(dataset, front_end):
        own = models.apart_from_search(results, dataset, front_end, name)
        if own["training"]["search"] and (other := first.setdefault(repr(own), name)) != name:
            found[name] = other
    return found


def contrasts(results: Results, dataset: str, front_end: str) -> list[Contrast]:
    """Return the differences of a data set and front end between models that have finished runs."""
    data, recipes, searched, formats, run = (dataset, front_end), [], [], [], {}
    trained = [name for name in models.compared_on(results, *data) if models.kind(results, name) != "baseline"]
    for protocol in PROTOCOLS:
        names = run[protocol] = [name for name in trained if len(results.successful(*data, name, protocol))]
        pairs = [pair for pair in design(results, *data).values() if set(pair.values()) <= set(names)]
        first, second = ([pair[recipe] for pair in pairs] for recipe in RECIPES)
        recipes.append(Contrast("recipe", (protocol, protocol), first, second))
        searched += [
            Contrast("search", (protocol, protocol), list(pair[:1]), list(pair[1:]))
            for pair in searches(results, *data).items()
            if all(len(results.successful(*data, name, protocol)) for name in pair)
        ]
        ours = [name for name in names if models.get(results, name).recipe == OURS]
        ours = [name for name in ours if models.kind(results, name) != "gru"]
        dense = [name for name in ours if models.kind(results, name) == "dense"][:1]
        formats += [Contrast("format", (protocol, protocol), [name], dense) for name in ours if name not in dense]
    both = [name for name in run["random"] if name in run["group"]]
    both = [name for name in both if models.get(results, name).recipe == OURS]
    fixed = [name for name in trained if all(len(results.successful(*data, name, share)) for share in SHARES)]
    averages = [Contrast("protocol", ("random", "group"), both, both), Contrast("siblings", SHARES, fixed, fixed)]
    return [contrast for contrast in averages + recipes + searched + formats if contrast.first and contrast.second]


def estimate(results: Results, measure: str, contrast: Contrast, *data: str, epochs: int | None = None) -> Interval:
    """Return a difference on (dataset, front_end), within the first `epochs` epochs of every run.

    It is paired by fold, but for random minus group, whose folds differ.
    """

    def side(names: list[str], protocol: str) -> pd.Series:
        runs = [cut(results, measure, epochs, *data, name, protocol) for name in names]
        return pd.concat(runs, axis=1, join="inner").mean(axis=1)

    one, other = contrast.protocols
    first, second = side(contrast.first, one), side(contrast.second, other)
    if contrast.factor == "protocol":
        return difference(of_runs(results, first, data[0], one), of_runs(results, second, data[0], other))
    return of_runs(results, first - second, data[0], one, -1)


def _fewest_epochs(results: Results, contrast: Contrast, *data: str) -> int:
    """Return the smallest number of epochs of a difference's experiments, each taken by its longest run."""
    experiments = itertools.product(contrast.first + contrast.second, contrast.protocols)
    return int(min(results.successful(*data, *experiment)["epochs"].max() for experiment in experiments))


def cut(results: Results, measure: str, epochs: int | None, *experiment: str) -> pd.Series:
    """Return `measure` within the first `epochs` epochs, or all, by (fold, seed), without the runs that lack it."""
    if not epochs:
        return results.by_run(measure, *experiment)
    runs = results.successful(*experiment).set_index(["fold", "seed"])
    found = [
        own if trained <= epochs else _within(results, record, epochs).get(measure)
        for own, trained, record in runs[[measure, "epochs", "record"]].itertuples(index=False)
    ]
    return pd.Series(found, runs.index, dtype=float).dropna()


@cached  # not the curves: those of all runs would fill gigabytes
def _within(results: Results, record: str, epochs: int) -> dict[str, float]:
    return _accuracies(curves.read(results.file(record, "metrics.jsonl"))[:epochs])


def _accuracies(epochs: list[curves.Epoch]) -> dict[str, float]:
    """Return the accuracies of a run that ends after `epochs`; nothing if one of these lacks its accuracy."""
    found = curves.column(epochs, "test_accuracy")
    if not found or any(map(math.isnan, found)):
        return {}
    chosen = scores.chosen(epochs)["test_accuracy"]
    return {"best_epoch_accuracy": max(found), "final_epoch_accuracy": found[-1], "test_accuracy": chosen}


@cached
def build(results: Results) -> pd.DataFrame:
    """Return a row per data set, front end, measure and difference, which are fractions."""
    rows = []
    for data, measure in itertools.product(dict.fromkeys(place[:2] for place in results.places), ACCURACIES):
        for contrast in contrasts(results, *data):
            epochs = _fewest_epochs(results, contrast, *data)
            found = estimate(results, measure, contrast, *data)
            equal = estimate(results, measure, contrast, *data, epochs=epochs)
            equal = equal if equal.folds == found.folds else Interval(math.nan)  # without the curves of some runs
            row = (*data, measure, contrast.factor, contrast.protocol, *map(" ".join, contrast[2:]))
            values = ([getattr(one, field) for field in VALUES.values()] for one in (found, equal))
            rows.append((*row, *next(values), epochs, *next(values)))
    return pd.DataFrame(rows, columns=CSV)


def sheets(results: Results, frame: pd.DataFrame) -> Iterator[Sheet]:
    """Yield a sheet per data set, front end and accuracy, with a block per factor and protocol."""
    frame = frame[frame["folds"] > 0]
    for (*data, measure), rows in frame.groupby(["dataset", "front_end", "measure"], sort=False):
        blocks, names = ([of(results, row) for row in rows.to_dict("records")] for of in (_block, _name))
        label = results.data_label(*data)
        caption = f"What the accuracy depends on, {label}: protocol, recipe, search or format. {ACCURACIES[measure]}."
        rows = rows.assign(difference_of=names, block=blocks)
        notes = [*_notes(results, *data), *(note for factor, note in NOTES.items() if factor in set(rows["factor"]))]
        yield Sheet("-".join((*data, measure)), caption, rows, notes)


def _block(results: Results, row: Row) -> str:
    if row["factor"] == "format":
        return f"Format minus {models.label(results, row['second'])}, protocol {row['protocol']}"
    if row["factor"] == "search":
        return f"Search of other values minus the first search, protocol {row['protocol']}"
    protocol = f", protocol {row['protocol']}" if row["protocol"] else ""
    names = row["first"].split()
    of = f"mean of {len(names)} models" if len(names) > 1 else models.label(results, names[0])
    return f"{row['factor'].capitalize()}{protocol}: {of}"


def _name(results: Results, row: Row) -> str:
    names = {"protocol": "random − group", "siblings": "100 % − 0 %", "recipe": "ours − authors'"}
    return names.get(row["factor"]) or models.label(results, row["first"])


def _notes(results: Results, *data: str) -> list[str | Note]:
    differences = [models.differences(results, *data, *pair.values()) for pair in design(results, *data).values()]
    recipes = ", ".join(dict.fromkeys(itertools.chain(*differences)))
    return [
        Note(
            "95 % intervals: Student's t over the means of n folds, corrected for shared training clips, not for the "
            "number of rows. Differences are paired by fold; random minus group, whose folds differ, uses Welch's t.",
            ("interval", "interval_equal_epochs"),
        ),
        Note(
            "At equal epochs: every run is cut to the smallest number of epochs of the models in its row.",
            ("difference_equal_epochs", "interval_equal_epochs"),
        ),
        *([f"The two recipes differ in: {recipes}."] if recipes else []),
    ]


EMPTY = "No two models to compare, and none under both protocols."
TABLE = Table("factors", "Protocol, recipe, search or format", 8, build, sheets, COLUMNS, EMPTY)
