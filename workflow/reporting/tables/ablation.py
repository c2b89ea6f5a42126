"""Integrate-then-decompose, the idea of FDHT-LSTM, against other decompositions of W and U: paired contrasts.

The table has rows for the data on which a model was trained that decomposes U in another way (separately from W, gate
by gate, as a tensor train). There, FDHT-LSTM is compared with every tensor model of the same recipe.
"""

import itertools

import pandas as pd

from workflow.reporting import models, statistics
from workflow.reporting.records import ACCURACIES, EXPERIMENT
from workflow.reporting.results import Results, cached
from workflow.reporting.table import Column, Note, Row, Table, interval, mean, model, sheet_per_data
from workflow.reporting.tables.claims import p_value

CSV = [*EXPERIMENT, "against", "measure", "weights", "weights_against", "accuracy_mean", "accuracy_std", "difference"]
CSV += ["low", "high", "folds", "p", "p_corrected"]


COLUMNS = [
    Column("against", "Alternative", model, align="l"),
    Column("weights_against", "Weights\nW + U"),
    Column("accuracy", "Accuracy\n(%)", mean, digits=1, scale=100),
    Column("model", "Compared\nwith", model, align="l"),
    Column("weights", "Weights"),
    Column("difference", "Minus\nalternative\n(points)", digits=1, scale=100, sign=True),
    Column("interval", "95 % interval\n(points)", interval, digits=1, scale=100, sign=True),
    Column("folds", "Folds"),
    Column("p_corrected", "p (Holm)", p_value),
]
NOTES = (
    Note(
        "Difference: FDHT-LSTM minus the alternative, paired over the folds and seeds that both have.", ("difference",)
    ),
    Note("95 % intervals: over the means of the folds.", ("interval",)),
    Note("p: two-sided, after Holm's correction over all rows of one accuracy.", ("p_corrected",)),
    "Only rows with about as many weights compare the decompositions; formats that decompose W alone add a dense U.",
)


@cached
def build(results: Results) -> pd.DataFrame:
    """Return a row per measure, FDHT-LSTM and alternative; accuracies and differences are fractions."""
    rows: list[Row] = []
    for dataset, front_end, own, protocol in models.compared(results).itertuples(index=False, name=None):
        alternatives = models.rivals(results, dataset, front_end, own, "alternative")
        if models.kind(results, own) != "fdht" or not alternatives:
            continue
        row = dict(zip(EXPERIMENT, (dataset, front_end, own, protocol), strict=True))
        others = alternatives + models.rivals(results, dataset, front_end, own)
        for measure, other in itertools.product(ACCURACIES, others):
            found = statistics.compare(results, measure, own, other, dataset, front_end, protocol)
            theirs = statistics.summary(results, measure, dataset, front_end, other, protocol)
            sizes = [models.counts(results, dataset, front_end, name).get("weights") for name in (own, other)]
            values = (other, measure, *sizes, theirs.mean, theirs.std, found.mean)
            rows += [row | dict(zip(CSV[4:11], values, strict=True)) | found._asdict()] if found.folds else []
    table = pd.DataFrame(rows, columns=CSV)
    return table.assign(p_corrected=table.groupby("measure")["p"].transform(statistics.holm))


def _block(row: Row) -> str:
    return f"Protocol {row['protocol']}: {ACCURACIES[row['measure']]}"


CAPTION = "Integrate-then-decompose against other ways to decompose W and U, {data}."
SHEETS = sheet_per_data(CAPTION, *NOTES, block=_block)
EMPTY = "No model decomposes U in a way other than FDHT-LSTM's."
TABLE = Table("ablation", "Integrate-then-decompose", 8.5, build, SHEETS, COLUMNS, EMPTY)
