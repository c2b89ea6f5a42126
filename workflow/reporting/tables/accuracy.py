"""Mean and deviation of the accuracies over folds and seeds."""

import itertools
from collections.abc import Iterator
from string import ascii_lowercase

import pandas as pd

from workflow.datasets.protocols import SIBLINGS
from workflow.reporting import models, provenance, splits, statistics
from workflow.reporting.records import ACCURACIES, EXPERIMENT
from workflow.reporting.results import Results, cached
from workflow.reporting.table import MODEL, Cell, Column, Note, Row, Sheet, Table, by_data, mean


def marked_mean(results: Results, row: Row, column: Column) -> Cell:
    """Show a mean accuracy, marked if it is best or second."""
    marks = statistics.marks(results, column.key, row["dataset"], row["front_end"], row["protocol"])
    return Cell(mean(results, row, column), marks.get(row["model"], ""))


def observations(results: Results, row: Row, column: Column) -> Cell:
    """Show the number of observations, the expected number, and the letter of a footnote."""
    wanted = statistics.expected(results, *(row[name] for name in EXPERIMENT))
    return Cell(str(row["n"]) if row["n"] == wanted else f"{row['n']} of {wanted}", note=row["letter"])


COLUMNS = [
    MODEL,
    Column("weights", "Weights\nW + U"),
    Column("n", "n", observations),
    Column("test_accuracy", "Test acc. (%),\nepoch chosen\non validation", marked_mean, digits=1, scale=100),
    Column("final_epoch_accuracy", "Test acc. (%),\nlast epoch", marked_mean, digits=1, scale=100),
    Column("best_epoch_accuracy", "Test acc. (%),\nbest test epoch\n(optimistic)", marked_mean, digits=1, scale=100),
]
CSV = [*EXPERIMENT, "n", "folds", *(f"{name}_{what}" for name in ACCURACIES for what in ("mean", "std")), "weights"]
RANDOM = "clips split at random, as in the published implementations"
SHARE = "share of the test clips with a sibling in training"
NOTE = "Mean ± standard deviation over the n runs (folds × seeds)."
FITTED = (
    "Mean ± standard deviation over the n runs (folds × seeds; folds, for a baseline that is fitted without a seed)."
)
QUESTIONS = (
    "The accuracies answer different questions and cannot be compared with each other: the epoch was chosen on "
    "validation clips, is the last, or was chosen on the test clips themselves."
)
NO_VALIDATION = "A protocol without a validation part has only the last two accuracies."
MARKS = {
    "significant": "Bold: significantly better than all other rows of its block; underlined: the second highest mean, "
    "significantly better than all lower ones; tests paired by fold, Holm-corrected.",
    "best": "Bold: the highest mean of its block; underlined: the second highest. Differences may be due to chance.",
}
NO_MARKS = {"significant": "Nothing is bold: no model is significantly better than the rest."}


@cached
def build(results: Results) -> pd.DataFrame:
    """Return a row per data set, front end, model and protocol; accuracies are fractions."""
    rows = []
    for experiment in results.experiments.itertuples(index=False, name=None):
        row: Row = dict(zip(EXPERIMENT, experiment, strict=True))
        found = {measure: statistics.summary(results, measure, *experiment) for measure in ACCURACIES}
        for measure, one in found.items():
            row |= {f"{measure}_mean": one.mean, f"{measure}_std": one.std}
        row |= {name: max(getattr(one, name) for one in found.values()) for name in ("n", "folds")}
        rows.append(row | {"weights": models.recorded_weights(results, *experiment)})
    return pd.DataFrame(rows, columns=CSV).astype({"weights": "Int64"})


def sheets(results: Results, frame: pd.DataFrame) -> Iterator[Sheet]:
    """Yield a sheet per data set and front end, with a block per protocol."""
    for dataset, front_end, label, rows in by_data(results, frame):
        meanings = dict.fromkeys(SIBLINGS, SHARE) | {"random": RANDOM, "group": splits.promise(results, dataset)}
        titles = {name: f"Protocol {results.label('protocol', name)}: {text}" for name, text in meanings.items()}
        remarks = [_remark(results, *experiment) for experiment in rows[EXPERIMENT].itertuples(index=False, name=None)]
        letters = dict(zip(filter(None, dict.fromkeys(remarks)), ascii_lowercase, strict=False))  # shared if equal
        blocks = itertools.product(ACCURACIES, [dataset], [front_end], rows["protocol"].unique())
        marked = any(statistics.marks(results, *block) for block in blocks)
        fitted = any(models.kind(results, name) == "baseline" for name in rows["model"])
        texts = [
            FITTED if fitted else NOTE,
            QUESTIONS,
            NO_VALIDATION if rows["test_accuracy_mean"].isna().any() else "",
        ]
        texts += [(MARKS if marked else NO_MARKS).get(results.layout["marks"], "")]
        notes: list[str | Note] = [Note(text, tuple(ACCURACIES)) for text in texts if text]
        notes += _mixed_data(results, dataset)
        notes += [f"{letter}) {remark}" for remark, letter in letters.items()]
        shown = rows.assign(block=rows["protocol"].map(titles), letter=[letters.get(remark, "") for remark in remarks])
        yield Sheet(f"{dataset}-{front_end}", f"Accuracy on {label}.", shown, notes)


def _remark(results: Results, *experiment: str) -> str:
    """Return the footnote on excluded runs and runs of uncommitted code."""
    states = results.rows("excluded", *experiment)["status"].value_counts().sort_index()
    parts = [f"{count} {state}" for state, count in states.items()]
    return ", ".join(filter(None, [*parts, provenance.uncommitted(results.successful(*experiment))]))


def _mixed_data(results: Results, dataset: str) -> list[str]:
    records = results.successful_records
    digests = records[records["dataset"] == dataset].groupby("front_end")["data_digest"].nunique()
    return [f"Warning: {name}: records mix {n} versions of the data." for name, n in digests.items() if n > 1]


TABLE = Table("accuracy", "Accuracy", 1, build, sheets, COLUMNS)
