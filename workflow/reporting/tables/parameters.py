"""What each model stores, and how many times fewer weights than the dense layer of its sizes."""

import pandas as pd

from workflow.reporting import models
from workflow.reporting.results import Results, cached
from workflow.reporting.table import MODEL, Column, Note, Row, Table, count, frame, sheet_per_data


def times(results: Results, row: Row, column: Column) -> str:
    """Show a ratio, with decimals if it is small."""
    large = pd.notna(row[column.key]) and row[column.key] >= 1000
    return count(results, row, column._replace(digits=0) if large else column)


COLUMNS = [
    MODEL,
    Column("W", "W"),
    Column("U", "U"),
    Column("weights", "W + U"),
    Column("bias", "Bias"),
    Column("classifier", "Classifier"),
    Column("ratio_W", "Times\nfewer\nW", times, digits=1),
    Column("ratio_weights", "Times\nfewer\nW + U", times, digits=1),
]
RATIOS = ("ratio_W", "ratio_weights")
NOTES = (
    Note("W: input-to-hidden weights; U: hidden-to-hidden weights. Where U is 0, W holds both.", ("W", "U", "weights")),
    Note("Times fewer: than a dense layer of the same input and hidden size; than W + U, where W holds both.", RATIOS),
    Note("The ratios leave out biases and the classifier, as reported counts do.", ("bias", "classifier")),
)


@cached
def build(results: Results) -> pd.DataFrame:
    """Return a row per data set, front end and model; ratios are empty for a model without a recurrent layer."""
    return frame(results, COLUMNS, lambda *place: models.counts(results, *place) | models.ratios(results, *place))


SHEETS = sheet_per_data("Parameters on {data}.", *NOTES)
TABLE = Table("parameters", "Parameters", 2, build, SHEETS, COLUMNS, needs="configuration")
