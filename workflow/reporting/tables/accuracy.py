"""Mean and deviation of both accuracies over folds and seeds."""

from collections.abc import Iterator

import pandas as pd

from workflow.reporting import models, provenance, splits, statistics
from workflow.reporting.numbers import MISSING
from workflow.reporting.records import ACCURACIES
from workflow.reporting.results import Results, cached
from workflow.reporting.table import Cell, Column, Row, Sheet, Table, by_data, count, model, percent_mean, rows_of

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def marked_mean(results: Results, row: Row, key: str, digits: int) -> Cell:
    """Show a mean accuracy, marked if it is best or second."""
    if pd.isna(row[f"{key}_mean"]):
        return Cell(MISSING)
    return Cell(percent_mean(results, row, key, digits), row["marks"][key].get(row["model"], ""))


def observations(results: Results, row: Row, key: str, digits: int) -> Cell:
    """Show the number of observations, of how many, and the letter of a footnote."""
    wanted = statistics.expected(results, row["dataset"], row["front_end"], row["model"], row["protocol"])
    return Cell(str(row["n"]) if row["n"] == wanted else f"{row['n']} of {wanted}", note=row["letter"])


COLUMNS = [
    Column("model", "Model", model, align="l"),
    Column("weights", "Weights\nW + U", count),
    Column("n", "n", observations),
    Column("test_accuracy", "Test acc. (%),\nepoch chosen\non validation", marked_mean, digits=1),
    Column("best_epoch_accuracy", "Test acc. (%),\nbest test epoch\n(optimistic)", marked_mean, digits=1),
]
NOTE = (
    "Mean ± standard deviation over the n runs (folds × seeds), or over the n folds of a baseline that is fitted "
    "without a seed. The two accuracies answer different questions and cannot be compared with each other: the epoch "
    "was chosen on validation clips for one, on the test clips themselves for the other."
)
MARKS = (
    "Bold: significantly better than every other row of its block; underlined: than every row below it; paired tests "
    "over shared folds and seeds, Holm-corrected."
)
NO_MARKS = "Nothing is bold: no model is significantly better than the rest."


@cached
def build(results: Results) -> pd.DataFrame:
    """Return a row per data set, front end, model and protocol; accuracies are fractions."""
    rows = []
    for experiment in results.experiments.itertuples(index=False, name=None):
        row = dict(zip(results.experiments.columns, experiment, strict=True))
        for measure in ACCURACIES:
            found = statistics.summary(results, measure, *experiment)
            row |= {f"{measure}_mean": found.mean, f"{measure}_std": found.std}
            row.setdefault("n", found.n)
        rows.append(row | {"weights": models.recorded_weights(results, *experiment)})
    columns = ["dataset", "front_end", "model", "protocol", "n"]
    columns += [f"{measure}_{what}" for measure in ACCURACIES for what in ("mean", "std")]
    return pd.DataFrame(rows, columns=[*columns, "weights"]).astype({"weights": "Int64"})


def sheets(results: Results, frame: pd.DataFrame) -> Iterator[Sheet]:
    """Yield a sheet per data set and front end, with a block per protocol."""
    for dataset, front_end, label, rows in by_data(results, frame):
        remarks: list[str] = []  # one footnote for all rows that it concerns
        blocks, marked = [], False
        for protocol, part in rows.groupby("protocol", sort=False):
            marks = {name: statistics.marks(results, name, dataset, front_end, protocol) for name in ACCURACIES}
            marked = marked or any(marks.values())
            block = [row | {"marks": marks, "letter": _letter(results, row, remarks)} for row in rows_of(part)]
            blocks.append((_title(results, dataset, protocol), block))
        notes = [NOTE, MARKS if marked else NO_MARKS, *_mixed_data(results, dataset)]
        notes += [f"{LETTERS[index]}) {remark}" for index, remark in enumerate(remarks)]
        yield Sheet(f"accuracy-{dataset}-{front_end}", f"Accuracy on {label}.", blocks, notes)


def _title(results: Results, dataset: str, protocol: str) -> str:
    if protocol == "group":
        return f"Protocol group: {splits.promise(results, dataset)}"
    return "Protocol random: clips split at random, as in the published implementations"


def _letter(results: Results, row: Row, remarks: list[str]) -> str:
    """Return the letter of the footnote on excluded runs and runs of uncommitted code, which is added to `remarks`."""
    experiment = row["dataset"], row["front_end"], row["model"], row["protocol"]
    parts = [f"{count} {state}" for state, count in results.excluded_states(*experiment).items()]
    runs = results.successful(*experiment)
    if dirty := provenance.uncommitted(runs):
        parts.append(f"{dirty} of {len(runs)} runs {provenance.UNCOMMITTED}")
    remark = ", ".join(parts)
    if remark and remark not in remarks:
        remarks.append(remark)
    return LETTERS[remarks.index(remark)] if remark else ""


def _mixed_data(results: Results, dataset: str) -> list[str]:
    records = results.successful_records
    digests = records[records["dataset"] == dataset].groupby("front_end")["data_digest"].nunique()
    return [f"Warning: {name}: records mix {n} versions of the data." for name, n in digests.items() if n > 1]


TABLE = Table("accuracy", "Accuracy", 1, build, sheets, COLUMNS)
