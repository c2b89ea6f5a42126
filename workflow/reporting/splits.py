"""The parts that a protocol trains, validates and tests on, over the folds that are expected.

Two protocols whose training parts differ in size differ in more than leakage, so the sizes are printed wherever their
accuracies are compared.
"""

import pandas as pd

from workflow.reporting.numbers import number
from workflow.reporting.records import PARTS
from workflow.reporting.results import ANY_CLASS, PER_CLASS, SAME_CLASS, Results, cached


@cached
def rows(results: Results, dataset: str, protocol: str) -> pd.DataFrame:
    """Return the rows of leakage.csv for the expected folds; none without leakage.csv."""
    table, wanted = results.leakage, results.expected
    folds = wanted.loc[(wanted["dataset"] == dataset) & (wanted["protocol"] == protocol), "fold"]
    return table[(table["dataset"] == dataset) & (table["protocol"] == protocol) & table["fold"].isin(list(folds))]


def promise(results: Results, dataset: str) -> str:
    """Return what protocol group keeps apart on a data set, as leakage.csv shows it.

    Without counts of sources of any class, only those of the same class are known to be kept apart.
    """
    shared = rows(results, dataset, "group")[ANY_CLASS]
    nowhere = len(shared) and (shared == 0).all()
    return "no source on both sides" if nowhere else "no source of the same class on both sides"


@cached
def shares(results: Results, dataset: str, protocol: str) -> dict[str, float]:
    """Return the shares n_train, n_validation and n_test of a data set's clips, over all folds; empty if unknown."""
    table = results.leakage
    sizes = table.loc[(table["dataset"] == dataset) & (table["protocol"] == protocol), PARTS].sum()
    return (sizes / sizes.sum()).to_dict() if sizes.sum() else {}


def comparison(results: Results, dataset: str) -> str:
    """Return the sizes and shared sources of both protocols as text; empty without leakage.csv."""
    both = [rows(results, dataset, protocol) for protocol in ("random", "group")]
    if any(found.empty for found in both):
        return ""

    def pair(column: str, scale: float, digits: int) -> str:
        return " and ".join(number(scale * found[column].astype(float).mean(), digits) for found in both)

    return (
        f"Under random and group: {pair('n_train', 1, 0)} training clips from {pair(PER_CLASS, 1, 1)} sources per "
        f"class (means over folds); {pair(SAME_CLASS, 100, 1)} % of the test clips have a clip of the same class and "
        f"source in training, {pair(ANY_CLASS, 100, 1)} % one of the same source in any class."
    )
