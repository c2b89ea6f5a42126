"""Clips and sources in each fold's parts, under both protocols."""

from collections.abc import Iterator

import pandas as pd

from workflow.reporting import splits
from workflow.reporting.numbers import MISSING, number
from workflow.reporting.results import ANY_CLASS, PER_CLASS, SAME_CLASS, SPLIT_SIZES, Results, cached
from workflow.reporting.table import Column, Row, Sheet, Table


def sources(results: Results, row: Row, column: Column) -> str:
    """Show the number of sources of each of the three parts."""
    counts = [number(row[f"{part}_sources"]) for part in splits.PARTS]
    return MISSING if MISSING in counts else ", ".join(counts)


COLUMNS = [
    Column("fold", "Fold", align="l"),
    Column("n_train", "Train\n(clips)"),
    Column("n_validation", "Validation\n(clips)"),
    Column("n_test", "Test\n(clips)"),
    Column("share", "Validation\nshare (%)", digits=1, scale=100),
    Column("sources", "Sources\nin these\nthree\nparts", sources),
    Column(PER_CLASS, "Train,\nper\nclass", digits=1),
    Column(SAME_CLASS, "Siblings,\nsame class\n(%)", digits=1, scale=100),
    Column(ANY_CLASS, "Siblings,\nany class\n(%)", digits=1, scale=100),
]
NOTES = [
    "Validation share: the share of the training clips that is set apart for validation.",
    "Siblings: test clips with a clip of the same source in training, as a share of all test clips. "
    "Sources are identified by the names in the data set, mostly titles of films and uploads: one film may have "
    "several names, and different videos may share one.",
]


@cached
def build(results: Results) -> pd.DataFrame:
    """Return the rows of leakage.csv for every expected fold, in table order."""
    pairs = results.experiments[["dataset", "protocol"]].drop_duplicates().itertuples(index=False, name=None)
    found = [splits.rows(results, dataset, protocol).sort_values("fold") for dataset, protocol in pairs]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=SPLIT_SIZES)


def sheets(results: Results, frame: pd.DataFrame) -> Iterator[Sheet]:
    """Yield a sheet per data set, with a block per protocol."""
    share = frame["n_validation"] / (frame["n_train"] + frame["n_validation"])
    blocks = [f"Protocol {results.label('protocol', name)}" for name in frame["protocol"]]
    frame = frame.assign(share=share, block=blocks)
    for dataset, rows in frame.groupby("dataset", sort=False):
        label = results.label("dataset", dataset)
        yield Sheet(dataset, f"Splits under every protocol, {label}.", rows, NOTES)


EMPTY = "There is no leakage.csv below the folder of records."
TABLE = Table("splits", "Splits", 7, build, sheets, COLUMNS, EMPTY)
