"""What each model stores, and how many times fewer weights than the dense layer of its sizes."""

from collections.abc import Iterator

import pandas as pd

from workflow.reporting import models
from workflow.reporting.results import Results, cached
from workflow.reporting.table import Column, Sheet, Table, by_data, count, model, rows_of

COLUMNS = [
    Column("model", "Model", model, align="l"),
    Column("W", "W", count),
    Column("U", "U", count),
    Column("weights", "W + U", count),
    Column("bias", "Bias", count),
    Column("classifier", "Classifier", count),
    Column("ratio_W", "Times\nfewer\nW", count, digits=1),
    Column("ratio_weights", "Times\nfewer\nW + U", count, digits=1),
]
NOTE = (
    "W: input-to-hidden weights; U: hidden-to-hidden weights. FDHT-LSTM stores both in W, so its ratio is the last "
    "column. Biases and the classifier are stored but enter no ratio, as in the published counts. Times fewer: than a "
    "dense layer of the same input and hidden size."
)


@cached
def build(results: Results) -> pd.DataFrame:
    """Return a row per data set, front end and model; ratios are empty for a model without a recurrent layer."""
    rows = []
    for dataset, front_end, name in results.places:
        found = models.counts(results, dataset, front_end, name)
        if found is None:
            continue
        row = {"dataset": dataset, "front_end": front_end, "model": name, **found}
        row |= {"weights": models.weights(found)}
        if models.kind(results, name) != "baseline":
            row |= models.ratios(found, models.dense_counts(results, dataset, front_end, name))
        rows.append(row)
    columns = ["dataset", "front_end", *(column.key for column in COLUMNS)]
    types = dict.fromkeys(("W", "U", "weights", "bias", "classifier"), "Int64")
    return pd.DataFrame(rows, columns=columns).astype(types | {"ratio_W": float, "ratio_weights": float})


def sheets(results: Results, frame: pd.DataFrame) -> Iterator[Sheet]:
    for dataset, front_end, label, rows in by_data(results, frame):
        caption = f"Parameters on {label}."
        yield Sheet(f"parameters-{dataset}-{front_end}", caption, [("", rows_of(rows))], [NOTE])


TABLE = Table("parameters", "Parameters", 2, build, sheets, COLUMNS, needs="configuration")
