"""leakage: what a random split by clips adds to the accuracy, model by model."""

import math
from functools import lru_cache

import pandas as pd

from workflow.reporting import layout as layouts
from workflow.reporting.content.accuracy import ACCURACIES
from workflow.reporting.content.material import Material
from workflow.reporting.render import HOLE, Cell, Column, Sheet, deviation, number
from workflow.reporting.statistics import FEWEST, Interval, interval, overlap, welch

COLUMNS = {
    "model": Column("model", ("Model",), number=False),
    "group": Column("group", ("group", "(%)")),
    "published": Column("published", ("published", "(%)")),
    "difference": Column("difference", ("Difference", "(points)")),
    "interval": Column("interval", ("95 % interval", "(points)")),
    "n": Column("n", ("n (group,", "published)")),
}
EMPTY = "No finished run."
BLOCKS = {
    "test_accuracy": "Test accuracy, epoch chosen on validation",
    "best_epoch_accuracy": "Test accuracy, best test epoch (optimistic)",
}


@lru_cache(maxsize=8)
def build(material: Material) -> pd.DataFrame:
    """leakage.csv: a row per data set, front end, model and measure; fractions.

    sibling_group, sibling_published: share of test clips with a clip of the same source video in train.
    """
    rows = []
    order = material.settings[["dataset", "front_end", "model"]].drop_duplicates()
    for measure in ACCURACIES:
        for place in order.itertuples(index=False, name=None):
            row = dict(zip(("dataset", "front_end", "model"), place, strict=True)) | {"measure": measure}
            found = {name: _interval(material, measure, *place, name) for name in ("group", "published")}
            for name, values in found.items():
                row |= {f"n_{name}": values.n, f"{name}_mean": values.mean, f"{name}_std": values.std}
                row[f"sibling_{name}"] = sibling_share(material, place[0], name)
            row |= dict(zip(("difference", "low", "high"), _difference(material, measure, *place), strict=True))
            rows.append(row)
    columns = ["dataset", "front_end", "model", "measure", "n_group", "group_mean", "group_std", "n_published"]
    columns += ["published_mean", "published_std", "difference", "low", "high"]
    return pd.DataFrame(rows, columns=[*columns, "sibling_group", "sibling_published"])


def sibling_share(material: Material, dataset: str, protocol: str) -> float:
    """Mean over the folds of the share of test clips whose source is in train too; NaN without leakage.csv."""
    table = material.leakage
    rows = table[(table["dataset"] == dataset) & (table["protocol"] == protocol)]
    return float(rows["test_with_sibling_in_train"].mean()) if len(rows) else math.nan


def _runs(material: Material, *setting: str) -> pd.DataFrame:
    return material.runs_of(*setting)


def _interval(material: Material, measure: str, *setting: str) -> Interval:
    return interval(_runs(material, *setting)[measure].dropna(), _correction(material, *setting))


def _correction(material: Material, dataset: str, front_end: str, model: str, protocol: str) -> float:
    folds = _runs(material, dataset, front_end, model, protocol)["fold"].nunique()
    return overlap(folds, material.test_share(dataset, protocol))


def _difference(material: Material, measure: str, *place: str) -> tuple[float, float, float]:
    sides = []
    for protocol in ("published", "group"):
        values = _runs(material, *place, protocol)[measure].dropna()
        sides.append((values, _correction(material, *place, protocol)))
    return welch(*sides[0], *sides[1])


def sheets(material: Material) -> list[Sheet]:
    """One printed table per data set and front end, a block per accuracy."""
    table = layouts.keep(material.layout, "leakage", build(material))
    table = table[(table["n_group"] > 0) | (table["n_published"] > 0)]
    chosen = layouts.choose(material.layout, "leakage", COLUMNS)
    result = []
    for (dataset, front_end), rows in table.groupby(["dataset", "front_end"], sort=False):
        blocks = [
            (BLOCKS[measure], [[_cell(material, key, row) for key in chosen] for row in part.to_dict("records")])
            for measure, part in rows.groupby("measure", sort=False)
        ]
        setting = layouts.setting_label(material.layout, dataset, front_end)
        caption = f"What the published protocol adds on {setting}."
        columns = [COLUMNS[key] for key in chosen]
        result.append(Sheet(f"leakage-{dataset}-{front_end}", caption, columns, blocks, _notes(rows.iloc[0])))
    return result


def _notes(row: pd.Series) -> list[str]:
    notes = ["Difference: mean of published less mean of group; interval: Welch, corrected for overlapping folds."]
    if not pd.isna(row["sibling_published"]):
        shares = [number(100 * row[f"sibling_{name}"], 1) for name in ("published", "group")]
        notes.append(
            f"Test clips with a clip of the same source video in train: {shares[0]} % under published, "
            f"{shares[1]} % under group."
        )
    return notes


def _cell(material: Material, key: str, row: dict) -> Cell:
    link = f"{row['dataset']}/{row['front_end']}/{row['model']}"
    if key == "model":
        return Cell(layouts.model_label(material.layout, row["model"]), link=link)
    if key == "n":
        return Cell(f"{row['n_group']}, {row['n_published']}")
    places = layouts.digits(material.layout, "leakage", key, 1)
    if key == "difference":
        return Cell(number(100 * row[key], places, sign=True), number=True, link=link)
    if key == "interval":
        return Cell(interval_text(row["low"], row["high"], places, n=min(row["n_group"], row["n_published"])))
    mean, std = 100 * row[f"{key}_mean"], 100 * row[f"{key}_std"]
    return Cell(number(mean, places), deviation(std, places), number=True, link=f"{link}/{key}")


def interval_text(low: float, high: float, places: int, sign: bool = True, n: int = FEWEST) -> str:
    """An interval of fractions over n runs as [low, high] in points; the hole where there is none, or n < FEWEST."""
    if math.isnan(low) or math.isnan(high) or n < FEWEST:
        return HOLE
    return f"[{number(100 * low, places, sign)}, {number(100 * high, places, sign)}]"
