"""What the random protocol adds to the accuracy of each model.

Two protocols whose training parts differ in size differ in more than leakage, so the sizes are printed too.
"""

import math
from collections.abc import Iterator

import pandas as pd

from workflow.reporting import splits, statistics
from workflow.reporting.numbers import number
from workflow.reporting.records import ACCURACIES, PARTS, PLACE
from workflow.reporting.results import ANY_CLASS, PER_CLASS, SAME_CLASS, Results, cached
from workflow.reporting.table import MODEL, Cell, Column, Row, Sheet, Table, by_data, interval, link, mean

PROTOCOLS = ("group", "random")
SIZES = [SAME_CLASS, ANY_CLASS, PER_CLASS, *PARTS]  # columns of the splits' leakage.csv


def protocol_mean(results: Results, row: Row, column: Column) -> Cell:
    """Show the mean under the protocol that the column is named after."""
    return Cell(mean(results, row, column), link=link(row | {"protocol": column.key}))


def folds(results: Results, row: Row, column: Column) -> str:
    """Show the number of folds under group and, if it differs, under random."""
    return ", ".join(dict.fromkeys([f"{row['folds_group']}", f"{row['folds_random']}"]))


COLUMNS = [
    MODEL,
    Column("group", "group\n(%)", protocol_mean, digits=1, scale=100),
    Column("random", "random\n(%)", protocol_mean, digits=1, scale=100),
    Column("difference", "Added\n(points)", digits=1, scale=100, sign=True),
    Column("interval", "95 % interval\n(points)", interval, digits=1, scale=100, sign=True),
    Column("folds", "n", folds),
]
CSV = [*PLACE, "measure", *(f"{what}_{name}" for name in PROTOCOLS for what in ("n", "folds"))]
CSV += [*(f"{name}_{what}" for name in PROTOCOLS for what in ("mean", "std")), "difference", "low", "high"]
CSV += [f"{size}_{name}" for size in SIZES for name in PROTOCOLS]
NOTE = (
    "Mean ± standard deviation over the runs (folds × seeds). Added: random minus group; interval: Welch's t over "
    "the means of n folds under each protocol, corrected for shared training clips."
)


@cached
def build(results: Results) -> pd.DataFrame:
    """Return a row per data set, front end, model and measure; accuracies and shares are fractions.

    The sizes of each protocol's parts, which end with its name, are means over the folds.
    """
    rows = []
    for measure in ACCURACIES:
        for place in results.places:
            row: Row = dict(zip(PLACE, place, strict=True)) | {"measure": measure}
            found = {protocol: statistics.summary(results, measure, *place, protocol) for protocol in PROTOCOLS}
            for protocol, own in found.items():
                row |= {f"n_{protocol}": own.n, f"folds_{protocol}": own.folds}
                row |= {f"{protocol}_mean": own.mean, f"{protocol}_std": own.std}
                sizes = splits.rows(results, place[0], protocol)[SIZES].astype(float).mean()
                row |= sizes.add_suffix(f"_{protocol}").to_dict()
            gain = statistics.difference(found["random"], found["group"])
            rows.append(row | {"difference": gain.mean, "low": gain.low, "high": gain.high})
    return pd.DataFrame(rows, columns=CSV)


def sheets(results: Results, frame: pd.DataFrame) -> Iterator[Sheet]:
    """Yield a sheet per data set and front end, with a block per accuracy and the models run under both protocols."""
    frame = frame.assign(block=frame["measure"].map(ACCURACIES))[frame[["n_group", "n_random"]].min(axis=1) > 0]
    for dataset, front_end, label, rows in by_data(results, frame):
        notes = [NOTE, *_sizes(rows.iloc[0].to_dict())]
        yield Sheet(f"{dataset}-{front_end}", f"What the random protocol adds on {label}.", rows, notes)


def _sizes(row: Row) -> list[str]:
    """Return a note on the sizes and shared sources of both protocols; none without leakage.csv."""
    if any(math.isnan(row[f"n_train_{protocol}"]) for protocol in PROTOCOLS):
        return []

    def pair(column: str, scale: int, digits: int) -> str:
        return " and ".join(number(scale * row[f"{column}_{protocol}"], digits) for protocol in ("random", "group"))

    note = (
        f"Under random and group: {pair('n_train', 1, 0)} training clips from {pair(PER_CLASS, 1, 1)} sources per "
        f"class (means over folds); {pair(SAME_CLASS, 100, 1)} % of the test clips have a clip of the same class and "
        f"source in training, {pair(ANY_CLASS, 100, 1)} % one of the same source in any class."
    )
    return [note]


EMPTY = "No model has runs under both protocols yet."
TABLE = Table("leakage", "What the random protocol adds", 6, build, sheets, COLUMNS, EMPTY)
