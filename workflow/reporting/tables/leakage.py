"""leakage: what a random split by clips adds to the accuracy, model by model."""

import math
from functools import lru_cache

import pandas as pd

from workflow.reporting import layout as layouts
from workflow.reporting import observations
from workflow.reporting.render import HOLE, Cell, Column, Sheet, deviation, number
from workflow.reporting.results import Results
from workflow.reporting.statistics import FEWEST, welch
from workflow.reporting.tables import parts
from workflow.reporting.tables.accuracy import ACCURACIES

COLUMNS = {
    "model": Column("model", ("Model",), number=False),
    "group": Column("group", ("group", "(%)")),
    "random": Column("random", ("random", "(%)")),
    "difference": Column("difference", ("Difference", "(points)")),
    "interval": Column("interval", ("95 % interval", "(points)")),
    "n": Column("n", ("n (group,", "random)")),
}
PARTS = {  # -> column of the splits' leakage.csv
    "sibling": parts.SAME_CLASS,
    "sibling_any_class": parts.ANY_CLASS,
    "train_clips": "n_train",
    "validation_clips": "n_validation",
    "test_clips": "n_test",
}
EMPTY = "No finished run."
BLOCKS = {
    "test_accuracy": "Test accuracy, epoch chosen on validation",
    "best_epoch_accuracy": "Test accuracy, best test epoch (optimistic)",
}


@lru_cache(maxsize=8)
def build(results: Results) -> pd.DataFrame:
    """leakage.csv: a row per data set, front end, model and measure; fractions.

    sibling_*: share of test clips with a clip of the same class and source in train or validation; sibling_any_class_*:
    of the same source in any class; train_, validation_ and test_clips_*: sizes of the parts. Means over the folds.
    """
    rows = []
    order = results.experiments[["dataset", "front_end", "model"]].drop_duplicates()
    for measure in ACCURACIES:
        for place in order.itertuples(index=False, name=None):
            row = dict(zip(("dataset", "front_end", "model"), place, strict=True)) | {"measure": measure}
            found = {name: observations.summary(results, measure, *place, name) for name in ("group", "random")}
            for name, values in found.items():
                row |= {f"n_{name}": values.n, f"{name}_mean": values.mean, f"{name}_std": values.std}
                row |= {f"{key}_{name}": parts.mean(results, place[0], name, PARTS[key]) for key in PARTS}
            row |= dict(zip(("difference", "low", "high"), _difference(results, measure, *place), strict=True))
            rows.append(row)
    columns = ["dataset", "front_end", "model", "measure", "n_group", "group_mean", "group_std", "n_random"]
    columns += ["random_mean", "random_std", "difference", "low", "high"]
    columns += [f"{key}_{name}" for key in PARTS for name in ("group", "random")]
    return pd.DataFrame(rows, columns=columns)


def _difference(results: Results, measure: str, *place: str) -> tuple[float, float, float]:
    sides = []
    for protocol in ("random", "group"):
        sides.append(observations.values(results, measure, *place, protocol))
        sides.append(observations.correction(results, measure, *place, protocol))
    return welch(*sides)


def sheets(results: Results) -> list[Sheet]:
    """One printed table per data set and front end, a block per accuracy; then the parts of each data set."""
    table = layouts.keep(results.layout, "leakage", build(results))
    table = table[(table["n_group"] > 0) | (table["n_random"] > 0)]
    chosen = layouts.choose(results.layout, "leakage", COLUMNS)
    result = []
    for (dataset, front_end), rows in table.groupby(["dataset", "front_end"], sort=False):
        blocks = [
            (BLOCKS[measure], [[_cell(results, key, row) for key in chosen] for row in part.to_dict("records")])
            for measure, part in rows.groupby("measure", sort=False)
        ]
        setting = layouts.setting_label(results.layout, dataset, front_end)
        caption = f"What the random protocol adds on {setting}."
        columns = [COLUMNS[key] for key in chosen]
        result.append(Sheet(f"leakage-{dataset}-{front_end}", caption, columns, blocks, _notes(results, dataset)))
    return result + [sheet for dataset in table["dataset"].unique() for sheet in parts.sheet(results, dataset)]


def _notes(results: Results, dataset: str) -> list[str]:
    notes = [
        "Difference: mean of random less mean of group; interval: Welch, corrected for overlapping folds. n: runs; "
        "of a baseline that is fitted without a seed, folds, since its runs on a fold are copies."
    ]
    more = parts.siblings_text(results, dataset), parts.sizes_text(results, [dataset])
    return notes + [text for text in more if text]


def _cell(results: Results, key: str, row: dict) -> Cell:
    link = f"{row['dataset']}/{row['front_end']}/{row['model']}"
    if key == "model":
        return Cell(layouts.model_label(results.layout, row["model"]), link=link)
    if key == "n":
        return Cell(f"{row['n_group']}, {row['n_random']}")
    places = layouts.digits(results.layout, "leakage", key, 1)
    if key == "difference":
        return Cell(number(100 * row[key], places, sign=True), number=True, link=link)
    if key == "interval":
        return Cell(interval_text(row["low"], row["high"], places, n=min(row["n_group"], row["n_random"])))
    mean, std = 100 * row[f"{key}_mean"], 100 * row[f"{key}_std"]
    return Cell(number(mean, places), deviation(std, places), number=True, link=f"{link}/{key}")


def interval_text(low: float, high: float, places: int, sign: bool = True, n: int = FEWEST) -> str:
    """An interval of fractions over n runs as [low, high] in points; the hole where there is none, or n < FEWEST."""
    if math.isnan(low) or math.isnan(high) or n < FEWEST:
        return HOLE
    return f"[{number(100 * low, places, sign)}, {number(100 * high, places, sign)}]"
