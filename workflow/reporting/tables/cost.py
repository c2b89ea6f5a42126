"""Time and memory of training, per device."""

import pandas as pd

from workflow.reporting.records import PLACE
from workflow.reporting.results import Results, cached
from workflow.reporting.table import MODEL, Column, Note, Table, sheet_per_data

COLUMNS = [
    MODEL,
    Column("n", "n"),
    Column("epochs", "Epochs\n(mean)"),
    Column("train_seconds_median", "Training per\nrun (s, median)", digits=1),
    Column("step_ms", "Step\n(ms)", digits=2),
    Column("peak_memory_mb", "Peak\nmemory (MiB)"),
    Column("hours", "All runs\n(h)", digits=2),
]
NOTES = (
    Note(
        "Training: median over n runs (all protocols, folds and seeds); an interrupted run's parts are added up. Times "
        "are longer on a busy machine.",
        ("train_seconds_median", "hours"),
    ),
    Note("Step: median over the runs of each run's median training step.", ("step_ms",)),
    Note("Peak memory: the largest of all runs.", ("peak_memory_mb",)),
    Note("All runs: the time of runs trained side by side is divided by their number.", ("hours",)),
)


@cached
def build(results: Results) -> pd.DataFrame:
    """Return a row per data set, front end, model and device; seconds, milliseconds, MiB, hours."""
    runs = results.successful_records.astype({"epochs": float})
    runs = runs.assign(hours=runs["train_seconds"] / runs["side_by_side"].fillna(1) / 3600)
    table = runs.groupby([*PLACE, "device"], as_index=False).agg(
        n=("seed", "size"),
        epochs=("epochs", "mean"),
        train_seconds_median=("train_seconds", "median"),
        step_ms=("step_ms", "median"),
        peak_memory_mb=("peak_memory_mb", "max"),
        hours=("hours", "sum"),
    )
    return pd.DataFrame(results.places, columns=PLACE).merge(table, on=PLACE)


SHEETS = sheet_per_data(
    "Cost of training on {data}.", *NOTES, block=lambda row: f"On {row['device'] or 'an unknown device'}"
)
TABLE = Table("cost", "Cost of training", 9, build, SHEETS, COLUMNS)
