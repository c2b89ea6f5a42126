"""Time and memory of training, per device."""

from collections.abc import Iterator

import pandas as pd

from workflow.reporting.results import Results, cached
from workflow.reporting.statistics import interval
from workflow.reporting.table import Column, Sheet, Table, by_data, count, mean, model, rows_of

COLUMNS = [
    Column("model", "Model", model, align="l"),
    Column("n", "n", count),
    Column("epochs", "Epochs\n(mean)", count),
    Column("train_seconds", "Training\nper run (s)", mean, digits=1),
    Column("step_ms", "Step\n(ms)", count, digits=2),
    Column("peak_memory_mb", "Peak\nmemory (MB)", count),
    Column("hours", "All runs\n(h)", count, digits=2),
]
CSV = ["dataset", "front_end", "model", "device", "n", "epochs", "train_seconds_mean", "train_seconds_std"]
CSV += ["step_ms", "peak_memory_mb", "hours"]
NOTE = (
    "Training time: mean ± standard deviation over n runs (all protocols, folds and seeds), summed over "
    "interruptions. Step: median over the runs of each run's median training step. Peak memory: largest of the runs."
)


@cached
def build(results: Results) -> pd.DataFrame:
    """Return a row per data set, front end, model and device; seconds, milliseconds, megabytes, hours."""
    rows = []
    for dataset, front_end, name in results.places:
        for device, runs in results.records_of(dataset, front_end, name).groupby("device"):
            seconds = interval(runs["train_seconds"])
            place = (dataset, front_end, name, device, len(runs), runs["epochs"].mean(), seconds.mean, seconds.std)
            hours = runs["train_seconds"].sum() / 3600
            rows.append((*place, runs["step_ms"].median(), runs["peak_memory_mb"].max(), hours))
    return pd.DataFrame(rows, columns=CSV)


def sheets(results: Results, frame: pd.DataFrame) -> Iterator[Sheet]:
    for dataset, front_end, label, rows in by_data(results, frame):
        devices = rows.groupby("device", sort=False)
        blocks = [(f"On {device or 'an unknown device'}", rows_of(part)) for device, part in devices]
        yield Sheet(f"cost-{dataset}-{front_end}", f"Cost of training on {label}.", blocks, [NOTE])


TABLE = Table("cost", "Cost of training", 9, build, sheets, COLUMNS)
