"""Accuracy of the test clips with and without a sibling (a clip of their source) in training, within the same runs.

Both groups of clips are classified by the same weights after the same training, so neither the size nor the sources of
the training part can explain a difference. What remains is that the two groups hold different clips.
"""

import pandas as pd

from workflow.reporting import models
from workflow.reporting.numbers import number
from workflow.reporting.records import EXPERIMENT, IDENTITY, read_table
from workflow.reporting.results import Results, cached
from workflow.reporting.statistics import of_runs
from workflow.reporting.table import MODEL, Column, Row, Table, interval, sheet_per_data

GROUPS = ("with", "without")
READ = ("label", "predicted", "siblings")  # of predictions.csv, which also has a column for each class
VALUES = [f"{value}_{group}" for value in ("clips", "accuracy") for group in GROUPS]


def clips(results: Results, row: Row, column: Column) -> str:
    """Show the numbers of clips with and without a sibling."""
    return f"{number(row['clips_with'])}, {number(row['clips_without'])}"


COLUMNS = [
    MODEL,
    Column("clips", "Clips with,\nwithout", clips),
    Column("accuracy_with", "With\n(%)", digits=1, scale=100),
    Column("accuracy_without", "Without\n(%)", digits=1, scale=100),
    Column("difference", "Difference\n(points)", digits=1, scale=100, sign=True),
    Column("interval", "95 % interval\n(points)", interval, digits=1, scale=100, sign=True),
    Column("folds", "Folds"),
]
CSV = [*EXPERIMENT, *VALUES, "difference", "low", "high", "folds"]
NOTE = (
    "Sibling: a training clip of the same source. Clips: test clips, mean over the folds. Accuracies: at the epoch of "
    "predictions.csv, averaged over seeds, then over folds. Difference: with minus without, within each run; its "
    "interval is over the means of the folds that have test clips of both kinds, corrected for shared training clips."
)


@cached
def runs(results: Results) -> dict[tuple[str, ...], pd.DataFrame]:
    """Return, by experiment, the clips and accuracies with and without a sibling of each run, by fold and seed."""
    rows = []
    for run in results.successful_records.itertuples():
        file = results.file(run.record, "predictions.csv")
        tested = read_table(file, usecols=lambda name: name in READ) if file.is_file() else pd.DataFrame()
        if "siblings" in tested:  # records of earlier versions lack it
            right, has = tested["label"] == tested["predicted"], tested["siblings"] > 0
            row = {name: getattr(run, name) for name in IDENTITY}
            row |= {f"clips_{name}": part.sum() for name, part in zip(GROUPS, (has, ~has), strict=True)}
            rows.append(row | {"accuracy_with": right[has].mean(), "accuracy_without": right[~has].mean()})
    found = pd.DataFrame(rows, columns=[*IDENTITY, *VALUES]).set_index(["fold", "seed"])
    found = found.assign(difference=found["accuracy_with"] - found["accuracy_without"])
    return dict(iter(found.groupby(EXPERIMENT)))


@cached
def build(results: Results) -> pd.DataFrame:
    """Return a row per compared experiment with test clips of both kinds in some fold; accuracies are fractions."""
    table = []
    for experiment in models.compared(results).itertuples(index=False, name=None):
        own = runs(results).get(experiment)
        if own is not None and own["difference"].notna().any():
            found = of_runs(results, own["difference"], experiment[0], experiment[3], -1)
            means = own[VALUES].groupby("fold").mean().mean().to_dict() | {"difference": found.mean}
            table.append(dict(zip(EXPERIMENT, experiment, strict=True)) | means | found._asdict())
    return pd.DataFrame(table, columns=CSV)


CAPTION = "Accuracy by siblings in training, within the same runs, on {data}."
SHEETS = sheet_per_data(CAPTION, NOTE, block=lambda row: f"Protocol {row['protocol']}")
EMPTY = "No fold has predictions of clips with and without a sibling in training."
TABLE = Table("siblings", "Accuracy by siblings in training", 6.5, build, SHEETS, COLUMNS, EMPTY)
