"""accuracy: mean and deviation over folds and seeds, both accuracies, always under their own names."""

import math
from functools import lru_cache

import pandas as pd

from workflow.reporting import layout as layouts
from workflow.reporting import observations, provenance
from workflow.reporting.ranking import marks
from workflow.reporting.render import HOLE, Cell, Column, Sheet, deviation, number
from workflow.reporting.results import Results
from workflow.reporting.tables import parts
from workflow.reporting.tables.holes import remarks

ACCURACIES = ("test_accuracy", "best_epoch_accuracy")
COLUMNS = {
    "model": Column("model", ("Model",), number=False),
    "weights": Column("weights", ("Weights", "W + U")),
    "n": Column("n", ("n",)),
    "test_accuracy": Column("test_accuracy", ("Test acc. (%),", "epoch chosen", "on validation")),
    "best_epoch_accuracy": Column("best_epoch_accuracy", ("Test acc. (%),", "best test epoch", "(optimistic)")),
}
PROTOCOLS = {
    "group": "Protocol group: {promise}",
    "random": "Protocol random: clips split at random, as the published code does",
}


@lru_cache(maxsize=8)
def build(results: Results) -> pd.DataFrame:
    """accuracy.csv: a row per data set, front end, model and protocol; fractions; empty where unknown."""
    rows = []
    for setting in results.experiments.itertuples(index=False, name=None):
        row = dict(zip(results.experiments.columns, setting, strict=True))
        for name in ACCURACIES:
            found = observations.summary(results, name, *setting)
            row |= {f"{name}_mean": found.mean, f"{name}_std": found.std}
            row.setdefault("n", found.n)
        rows.append(row | {"weights": weights(results, *setting)})
    columns = ["dataset", "front_end", "model", "protocol", "n"]
    columns += [f"{name}_{what}" for name in ACCURACIES for what in ("mean", "std")]
    return pd.DataFrame(rows, columns=[*columns, "weights"]).astype({"weights": "Int64"})


def weights(results: Results, *setting: str) -> int | None:
    """W + U of a model as its records say; None without records, or where they disagree."""
    runs = results.successful(*setting)
    found = (runs["W"] + runs["U"]).dropna().unique()
    return int(found[0]) if len(found) == 1 else None


def sheets(results: Results) -> list[Sheet]:
    """One printed table per data set and front end, a block per protocol."""
    table = layouts.keep(results.layout, "accuracy", build(results))
    chosen = layouts.choose(results.layout, "accuracy", COLUMNS)
    result = []
    for (dataset, front_end), rows in table.groupby(["dataset", "front_end"], sort=False):
        blocks, notes = [], _notes(results, dataset)
        letters: dict[str, str] = {}  # remark -> letter, shared by the rows that it concerns
        for protocol, part in rows.groupby("protocol", sort=False):
            marked = {name: marks(results, name, dataset, front_end, protocol) for name in ACCURACIES}
            block = []
            for row in part.itertuples():
                remark = _remark(results, dataset, front_end, row.model, protocol)
                if remark and remark not in letters:
                    letters[remark] = "abcdefghijklmnopqrstuvwxyz"[len(letters) % 26]
                    notes.append(f"{letters[remark]}) {remark}")
                letter = letters.get(remark, "")
                link = "/".join((dataset, front_end, row.model, protocol))
                cells = [_cell(results, key, row, marked, letter) for key in chosen]
                block.append([cell._replace(link=link) for cell in cells])
            blocks.append((PROTOCOLS[protocol].format(promise=parts.promise(results, dataset)), block))
        caption = f"Accuracy on {layouts.setting_label(results.layout, dataset, front_end)}."
        label = f"accuracy-{dataset}-{front_end}"
        result.append(Sheet(label, caption, [COLUMNS[key] for key in chosen], blocks, notes))
    return result


def _remark(results: Results, *setting: str) -> str:
    """What a reader must know of a row: its holes, and runs whose code is in no commit."""
    runs = results.successful(*setting)
    dirty = provenance.uncommitted(runs)
    made = f"{dirty} of {len(runs)} runs {provenance.UNCOMMITTED}" if dirty else ""
    return ", ".join(part for part in (remarks(results, *setting), made) if part)


def _cell(results: Results, key: str, row, marked: dict, letter: str) -> Cell:
    if key == "model":
        return Cell(layouts.model_label(results.layout, row.model))
    if key == "weights":
        return Cell(number(None if pd.isna(row.weights) else int(row.weights)), number=True)
    if key == "n":
        wanted = observations.expected(results, row.dataset, row.front_end, row.model, row.protocol)
        return Cell(str(row.n) if row.n == wanted else f"{row.n} of {wanted}", note=letter)
    mean, std = getattr(row, f"{key}_mean"), getattr(row, f"{key}_std")
    if math.isnan(mean):
        return Cell(HOLE)
    places = layouts.digits(results.layout, "accuracy", key, 1)
    return Cell(number(100 * mean, places), deviation(100 * std, places), marked[key].get(row.model, ""), number=True)


def _notes(results: Results, dataset: str) -> list[str]:
    notes = [
        "Mean ± standard deviation over the n runs (folds × seeds); of a baseline that is fitted without a seed, over "
        "the n folds, since its runs on a fold are copies. The two accuracies answer different "
        "questions and must not be compared with each other: one epoch was chosen on validation clips, the "
        "other on the test clips themselves.",
        "Bold: better than every other row of its block; underlined: better than every row below it; both by "
        "paired tests over shared folds and seeds, Holm-corrected. No mark: the best is within the noise.",
    ]
    digests = results.successful_records.loc[
        results.successful_records["dataset"] == dataset, ["front_end", "data_digest"]
    ]
    mixed = digests.groupby("front_end")["data_digest"].nunique()
    for front_end in mixed[mixed > 1].index:
        notes.append(f"Warning: {front_end}: records mix {mixed[front_end]} versions of the data.")
    return notes
