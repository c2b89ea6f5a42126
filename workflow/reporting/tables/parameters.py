"""What each model stores, and how many times fewer weights than the dense layer of its sizes."""

import pandas as pd

from workflow.reporting import models
from workflow.reporting.results import Results, cached
from workflow.reporting.table import MODEL, Column, Table, frame, sheet_per_data

COLUMNS = [
    MODEL,
    Column("W", "W"),
    Column("U", "U"),
    Column("weights", "W + U"),
    Column("bias", "Bias"),
    Column("classifier", "Classifier"),
    Column("ratio_W", "Times\nfewer\nW", digits=1),
    Column("ratio_weights", "Times\nfewer\nW + U", digits=1),
]
NOTE = (
    "W: input-to-hidden weights; U: hidden-to-hidden weights. FDHT-LSTM stores both in W, so its ratio is the last "
    "column. Biases and the classifier are stored but enter no ratio, as in the published counts. Times fewer: than a "
    "dense layer of the same input and hidden size."
)


@cached
def build(results: Results) -> pd.DataFrame:
    """Return a row per data set, front end and model; ratios are empty for a model without a recurrent layer."""
    return frame(results, COLUMNS, lambda *place: models.counts(results, *place) | models.ratios(results, *place))


SHEETS = sheet_per_data("Parameters on {data}.", NOTE)
TABLE = Table("parameters", "Parameters", 2, build, SHEETS, COLUMNS, needs="configuration")
