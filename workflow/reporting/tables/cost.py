"""cost: time and memory of training, as recorded, never mixed over devices."""

from functools import lru_cache

import pandas as pd

from workflow.reporting import layout as layouts
from workflow.reporting.render import Cell, Column, Sheet, deviation, number
from workflow.reporting.results import Results
from workflow.reporting.statistics import interval

COLUMNS = {
    "model": Column("model", ("Model",), number=False),
    "device": Column("device", ("Device",), number=False),
    "n": Column("n", ("n",)),
    "epochs": Column("epochs", ("Epochs", "(mean)")),
    "train_seconds": Column("train_seconds", ("Training", "per run (s)")),
    "step_ms": Column("step_ms", ("Step", "(ms)")),
    "peak_memory_mb": Column("peak_memory_mb", ("Peak", "memory (MB)")),
    "hours": Column("hours", ("All runs", "(h)")),
}
DIGITS = {"epochs": 0, "train_seconds": 1, "step_ms": 2, "peak_memory_mb": 0, "hours": 2}
NOTE = (
    "Training time: mean ± standard deviation over n runs (all protocols, folds and seeds), summed over "
    "interruptions. Step: median over runs of each run's median training step. Peak memory: largest of the runs."
)


@lru_cache(maxsize=8)
def build(results: Results) -> pd.DataFrame:
    """cost.csv: a row per data set, front end, model and device; seconds, milliseconds, megabytes."""
    rows = []
    order = results.experiments[["dataset", "front_end", "model"]].drop_duplicates()
    for dataset, front_end, model in order.itertuples(index=False, name=None):
        for device, runs in results.records_of(dataset, front_end, model).groupby("device"):
            seconds = interval(runs["train_seconds"])
            rows.append(
                {
                    "dataset": dataset,
                    "front_end": front_end,
                    "model": model,
                    "device": device,
                    "n": len(runs),
                    "epochs": runs["epochs"].mean(),
                    "train_seconds_mean": seconds.mean,
                    "train_seconds_std": seconds.std,
                    "step_ms": runs["step_ms"].median(),
                    "peak_memory_mb": runs["peak_memory_mb"].max(),
                    "hours": runs["train_seconds"].sum() / 3600,
                }
            )
    columns = ["dataset", "front_end", "model", "device", "n", "epochs", "train_seconds_mean", "train_seconds_std"]
    return pd.DataFrame(rows, columns=[*columns, "step_ms", "peak_memory_mb", "hours"])


def sheets(results: Results) -> list[Sheet]:
    """One printed table per data set and front end, a block per device."""
    table = layouts.keep(results.layout, "cost", build(results))
    chosen = layouts.choose(results.layout, "cost", COLUMNS)
    result = []
    for (dataset, front_end), rows in table.groupby(["dataset", "front_end"], sort=False):
        blocks = []
        for device, part in rows.groupby("device", sort=False):
            cells = [
                [_cell(results, key, row)._replace(link=f"{dataset}/{front_end}/{row['model']}") for key in chosen]
                for row in part.to_dict("records")
            ]
            blocks.append((f"On {device or 'an unknown device'}", cells))
        setting = layouts.setting_label(results.layout, dataset, front_end)
        caption, label = f"Cost of training on {setting}.", f"cost-{dataset}-{front_end}"
        result.append(Sheet(label, caption, [COLUMNS[key] for key in chosen], blocks, [NOTE]))
    return result


def _cell(results: Results, key: str, row: dict) -> Cell:
    if key == "model":
        return Cell(layouts.model_label(results.layout, row["model"]))
    if key in ("device", "n"):
        return Cell(str(row[key]))
    places = layouts.digits(results.layout, "cost", key, DIGITS[key])
    if key == "train_seconds":
        mean, std = row["train_seconds_mean"], row["train_seconds_std"]
        return Cell(number(mean, places), deviation(std, places), number=True)
    return Cell(number(row[key], places), number=True)
