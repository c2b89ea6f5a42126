"""The parts that a protocol trains, validates and tests on, over the folds that are expected."""

import math

import pandas as pd

from workflow.reporting.records import PARTS
from workflow.reporting.results import ANY_CLASS, Results, cached


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


def share_trained_on(results: Results, dataset: str, protocol: str) -> float:
    """Return the share of a data set's clips that are trained on; NaN if unknown."""
    sizes = rows(results, dataset, protocol)[PARTS].sum()
    return sizes["n_train"] / sizes.sum() if sizes.sum() else math.nan
