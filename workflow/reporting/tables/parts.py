"""What a protocol gives to train, validate and test on: clips and sources of each part, and sources on both sides.

Two protocols whose training parts differ in size differ by more than leakage, so that wherever their accuracies are
compared, this stands beside it. Only folds that are run (or should be) count.
"""

from collections.abc import Iterable
from functools import lru_cache

import pandas as pd

from workflow.reporting import layout as layouts
from workflow.reporting.render import HOLE, Cell, Column, Sheet, number
from workflow.reporting.results import Results

COLUMNS = {
    "fold": Column("fold", ("Fold",)),
    "train": Column("train", ("Train", "(clips)")),
    "validation": Column("validation", ("Validation", "(clips)")),
    "test": Column("test", ("Test", "(clips)")),
    "share": Column("share", ("Validation", "share (%)")),
    "sources": Column("sources", ("Sources", "in these", "three parts")),
    "same_class": Column("same_class", ("Siblings,", "same class", "(%)")),
    "any_class": Column("any_class", ("Siblings,", "any class", "(%)")),
}
SAME_CLASS, ANY_CLASS = "test_with_sibling_in_train_or_validation", "test_with_sibling_of_any_class"
ABOUT = 0.05  # training parts that differ by less are about as large
NAMES = (
    "Sources are told apart by the names that the set gives, mostly titles of films and uploads: parts of one film may "
    "have several, and different videos may share one."
)


@lru_cache(maxsize=64)
def rows(results: Results, dataset: str, protocol: str) -> pd.DataFrame:
    """The rows of leakage.csv for the folds that are expected; none without leakage.csv."""
    table, wanted = results.leakage, results.expected
    folds = wanted.loc[(wanted["dataset"] == dataset) & (wanted["protocol"] == protocol), "fold"]
    return table[(table["dataset"] == dataset) & (table["protocol"] == protocol) & table["fold"].isin(list(folds))]


@lru_cache(maxsize=512)
def mean(results: Results, dataset: str, protocol: str, column: str) -> float:
    """Mean over the folds; NaN where it is not known."""
    return float(rows(results, dataset, protocol)[column].astype(float).mean())


def promise(results: Results, dataset: str) -> str:
    """What protocol group keeps, as far as leakage.csv shows it: a record made before sources of any class were
    counted shows only that of the same class."""
    shared = rows(results, dataset, "group")[ANY_CLASS]
    nowhere = len(shared) and (shared == 0).all()
    return "no source on both sides" if nowhere else "no source of the same class on both sides"


def across_classes(results: Results, dataset: str) -> bool:
    """Whether under protocol group test clips have a source in train in another class."""
    return bool((rows(results, dataset, "group")[ANY_CLASS] > rows(results, dataset, "group")[SAME_CLASS]).any())


def ratio(results: Results, dataset: str) -> float:
    """Training clips under random for each under group."""
    return mean(results, dataset, "random", "n_train") / mean(results, dataset, "group", "n_train")


def alike(value: float) -> bool:
    """Whether two training parts of this ratio are about as large."""
    return 1 - ABOUT < value < 1 / (1 - ABOUT)


def siblings_text(results: Results, dataset: str) -> str:
    """Test clips with a source in train, under both protocols; empty without leakage.csv."""
    same, every = (_shares(results, dataset, column) for column in (SAME_CLASS, ANY_CLASS))
    if HOLE in same:
        return ""
    text = (
        f"Test clips with a clip of the same class and source in train or validation: {same[0]} % under random, "
        f"{same[1]} % under group"
    )
    return f"{text}." if HOLE in every else f"{text}; of the same source in any class: {every[0]} % and {every[1]} %."


def sources_text(results: Results, datasets: Iterable[str]) -> str:
    """What protocol group keeps apart, with the share that it lets through in other classes."""
    kept: dict[str, list[str]] = {}
    for dataset in datasets:
        if len(rows(results, dataset, "group")):
            name = layouts.dataset_label(results.layout, dataset)
            share = mean(results, dataset, "group", ANY_CLASS)
            if share > 0:
                name += f", where {_percent(share)} % of the test clips have a source in train in another class"
            kept.setdefault(promise(results, dataset), []).append(name)
    said = "; ".join(f"{text} ({'; '.join(names)})" for text, names in kept.items())
    return f"Protocol group: {said}." if said else ""


def sizes_text(results: Results, datasets: Iterable[str]) -> str:
    """How many clips the models train on under both protocols; empty where that is not known."""
    apart, near = [], []
    for dataset in datasets:
        value = ratio(results, dataset)
        if value == value:
            clips = [number(mean(results, dataset, name, "n_train")) for name in ("random", "group")]
            text = f"{layouts.dataset_label(results.layout, dataset)} {clips[0]} and {clips[1]}"
            (near if alike(value) else apart).append(text)
    said = "Training clips under random and under group (means over folds): "
    if not apart:
        return f"{said}{', '.join(near)}, about as many." if near else ""
    said += f"{', '.join(apart)}; there the protocols differ by the size of the training part too."
    return f"{said} About as many: {', '.join(near)}." if near else said


def _shares(results: Results, dataset: str, column: str) -> list[str]:
    return [_percent(mean(results, dataset, name, column)) for name in ("random", "group")]


def _percent(share: float) -> str:
    return number(100 * share, 1)


def sheet(results: Results, dataset: str) -> list[Sheet]:
    """The parts of one data set, a row a fold and a block a protocol; no sheet without leakage.csv."""
    chosen = layouts.choose(results.layout, "parts", COLUMNS)
    blocks = []
    for protocol in results.experiments.loc[results.experiments["dataset"] == dataset, "protocol"].drop_duplicates():
        found = rows(results, dataset, protocol).sort_values("fold").to_dict("records")
        if found:
            title = f"Protocol {protocol}"
            blocks.append((title, [[Cell(_text(key, row)) for key in chosen] for row in found]))
    if not blocks:
        return []
    caption = f"Parts under both protocols, {layouts.dataset_label(results.layout, dataset)}."
    notes = [
        "Validation share: of the training clips, from which it is cut by whole sources.",
        "Siblings: test clips with a clip of the same source in train or validation, share of all test clips.",
    ]
    if across_classes(results, dataset):
        notes.append(NAMES)
    return [Sheet(f"parts-{dataset}", caption, [COLUMNS[key] for key in chosen], blocks, notes)]


def _text(key: str, row: dict) -> str:
    if key == "fold":
        return str(row["fold"])
    if key == "share":
        return _percent(row["n_validation"] / (row["n_train"] + row["n_validation"]))
    if key == "sources":
        counts = [number(row[f"n_{part}_sources"]) for part in ("train", "validation", "test")]
        return HOLE if HOLE in counts else ", ".join(counts)
    if key in ("same_class", "any_class"):
        return _percent(row[SAME_CLASS if key == "same_class" else ANY_CLASS])
    return number(row[f"n_{key}"])
