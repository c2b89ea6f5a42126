"""The parts that a protocol trains, validates and tests on, over the folds that are expected.

Two protocols whose training parts differ in size differ by more than leakage, so the sizes stand wherever their
accuracies are compared.
"""

import pandas as pd

from workflow.reporting.numbers import number
from workflow.reporting.results import SIBLINGS, Results, cached

SAME_CLASS, ANY_CLASS = SIBLINGS, "test_with_sibling_of_any_class"


@cached
def rows(results: Results, dataset: str, protocol: str) -> pd.DataFrame:
    """Return the rows of leakage.csv for the expected folds; none without leakage.csv."""
    table, wanted = results.leakage, results.expected
    folds = wanted.loc[(wanted["dataset"] == dataset) & (wanted["protocol"] == protocol), "fold"]
    return table[(table["dataset"] == dataset) & (table["protocol"] == protocol) & table["fold"].isin(list(folds))]


@cached
def mean(results: Results, dataset: str, protocol: str, column: str) -> float:
    """Return the mean of a column of leakage.csv over the folds; NaN if unknown."""
    return float(rows(results, dataset, protocol)[column].astype(float).mean())


def promise(results: Results, dataset: str) -> str:
    """Return what protocol group keeps apart on a data set, as leakage.csv shows it.

    Without counts of sources of any class, only those of the same class are known to be apart.
    """
    shared = rows(results, dataset, "group")[ANY_CLASS]
    nowhere = len(shared) and (shared == 0).all()
    return "no source on both sides" if nowhere else "no source of the same class on both sides"


def train_share(results: Results, dataset: str) -> float | None:
    """Return the share of a data set's clips that models train on under protocol random; None if unknown."""
    table = results.leakage
    here = (table["dataset"] == dataset) & (table["protocol"] == "random")
    sizes = table.loc[here, ["n_train", "n_validation", "n_test"]].sum()
    return float(sizes["n_train"] / sizes.sum()) if sizes.sum() else None


def comparison(results: Results, dataset: str) -> str:
    """Return the sizes and shared sources of both protocols as text; empty without leakage.csv."""
    if any(rows(results, dataset, protocol).empty for protocol in ("random", "group")):
        return ""

    def pair(column: str, scale: float, digits: int) -> str:
        random, group = (number(scale * mean(results, dataset, name, column), digits) for name in ("random", "group"))
        return f"{random} and {group}"

    return (
        f"Under random and group: {pair('n_train', 1, 0)} training clips (means over folds); "
        f"{pair(SAME_CLASS, 100, 1)} % of the test clips have a clip of the same class and source in training or "
        f"validation, {pair(ANY_CLASS, 100, 1)} % one of the same source in any class."
    )
