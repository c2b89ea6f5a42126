"""Every reported number beside ours, with a verdict."""

import math
from collections.abc import Iterator

import pandas as pd

from workflow.reporting import models, splits, statistics, verdict
from workflow.reporting.numbers import MISSING, interval, number
from workflow.reporting.reported import COUNTS
from workflow.reporting.results import Results, cached
from workflow.reporting.table import Cell, Column, Row, Sheet, Table, by_data, count, link, rows_of, text

NEAREST = ("random", "best_epoch_accuracy")  # as the published implementations split and report
STRICT = ("group", "test_accuracy")  # without either habit
VIEWS = (NEAREST, ("random", "test_accuracy"), STRICT)
REPORTED_TRAIN = 0.8  # random 5-fold (TT-LSTM), 80/20 (BT-LSTM), 70/10/20 with the validation part merged (TR-LSTM)
TITLES = {
    NEAREST: "Closest to the published protocol: random, best test epoch (%)",
    VIEWS[1]: "Protocol random, epoch chosen on validation (%)",
    STRICT: "Strict: protocol group, epoch chosen on validation (%)",
    ("", "W"): "Input-to-hidden weights W",
    ("", "U"): "Hidden-to-hidden weights U",
    ("", "weights"): "Weights in all, counted as the source counts",
    ("", "ratio_W"): "Times fewer than dense W",
    ("", "ratio_weights"): "Times fewer than dense W + U",
}
CSV = ["dataset", "front_end", "model", "metric", "protocol", "measure", "reported", "reproduced", "low", "high"]
CSV += ["n", "difference", "verdict", "reason", "status", "precision", "source", "locator", "counts"]


def model(results: Results, row: Row, key: str, digits: int) -> Cell:
    """Show a model's name, and whether the reported number is derived."""
    mark = " (derived)" if row["status"] == "derived" else ""
    return Cell(models.label(results, row["model"]) + mark, link=_link(row))


def value(results: Results, row: Row, key: str, digits: int) -> Cell:
    """Show accuracies in percent, reported ones and ratios with the digits of the source, counts with none."""
    accuracy = row["metric"] == "accuracy"
    scale = 100 if accuracy else 1
    printed = key == "reported" if accuracy else row["metric"].startswith("ratio")
    if printed and not pd.isna(row["reported"]):
        digits = max(0, -math.floor(math.log10(scale * row["precision"]) + 0.5))
    elif not accuracy:
        digits = 0
    shown = None if pd.isna(row[key]) else scale * row[key]
    return Cell(number(shown, digits, sign=key == "difference"), link=_link(row))


def accuracy_interval(results: Results, row: Row, key: str, digits: int) -> str:
    """Show the interval of an accuracy."""
    return MISSING if pd.isna(row["low"]) else interval(row["low"], row["high"], digits, sign=False, n=int(row["n"]))


COLUMNS = [
    Column("model", "Model", model, align="l"),
    Column("reported", "Reported", value),
    Column("reproduced", "Reproduced", value, digits=1),
    Column("interval", "95 % interval", accuracy_interval, digits=1),
    Column("n", "n", count),
    Column("difference", "Difference", value, digits=1),
    Column("verdict", "Verdict", text, align="l"),
    Column("reason", "Reason", text, align="l"),
]


@cached
def build(results: Results) -> pd.DataFrame:
    """Return accuracies (fractions) once per view, counts and ratios once."""
    rows = []
    for place in results.places:
        if models.kind(results, place[2]) == "baseline":
            continue
        known = models.reported(results, *place)
        accuracies = rows_of(known[known["metric"] == "accuracy"]) or [_unreported()]
        rows += [_accuracy(results, place, entry, *view) for entry in accuracies for view in VIEWS]
        rows += [_count(results, place, entry) for entry in rows_of(known[known["metric"].isin(COUNTS)])]
    return pd.DataFrame(rows + _never_run(results), columns=CSV)


def _unreported() -> Row:
    entry = {"metric": "accuracy", "value": math.nan, "status": "unknown", "source": "not in reported.csv"}
    return entry | {"locator": "", "counts": "", "step": math.nan}


def _row(place: tuple[str, str, str], entry: Row, protocol: str = "", measure: str = "") -> Row:
    row = dict(zip(("dataset", "front_end", "model"), place, strict=True))
    row |= {"metric": entry["metric"], "protocol": protocol, "measure": measure}
    row |= {"reported": entry["value"], "precision": entry["step"]}
    return row | {name: entry[name] for name in ("status", "source", "locator", "counts")}


def _accuracy(results: Results, place: tuple[str, str, str], entry: Row, protocol: str, measure: str) -> Row:
    found = statistics.summary(results, measure, *place, protocol)
    word, reason = verdict.of_accuracy(entry["value"], found, results.layout["tolerance"])
    difference = found.mean - entry["value"]
    if results.partial(place[0]) and not math.isnan(difference):
        word, reason = verdict.PARTIAL, "the configuration declares the data set partial"
        difference = math.nan
    row = _row(place, entry, protocol, measure)
    row |= {"reproduced": found.mean, "low": found.low, "high": found.high, "n": found.n}
    return row | {"difference": difference, "verdict": word, "reason": reason}


def _count(results: Results, place: tuple[str, str, str], entry: Row) -> Row:
    found = models.counts(results, *place)
    ours: float | None = None
    if entry["metric"] == "weights":
        ours = models.total(results, *place, entry["counts"])
    elif found is not None:
        ours = (found | models.ratios(found, models.dense_counts(results, *place))).get(entry["metric"])
    word, reason = verdict.of_count(entry["metric"], entry["value"], entry["step"], ours)
    difference = math.nan if ours is None else ours - entry["value"]
    return _row(place, entry) | {"reproduced": ours, "difference": difference, "verdict": word, "reason": reason}


def _never_run(results: Results) -> list[Row]:
    """Return the reported numbers of families without a model, on data sets and front ends that are here."""
    data = {place[:2] for place in results.places}
    families = {(*place[:2], models.get(results, place[2]).family) for place in results.places}
    rows = []
    for entry in rows_of(results.reported):
        place = entry["dataset"], entry["front_end"], entry["model"]
        if place[:2] in data and place not in families and not pd.isna(entry["value"]):
            row = _row(place, entry, *(NEAREST if entry["metric"] == "accuracy" else ()))
            rows.append(row | {"n": 0, "verdict": verdict.NOT_RUN, "reason": "not in this configuration"})
    return rows


def sheets(results: Results, frame: pd.DataFrame) -> Iterator[Sheet]:
    """Yield accuracies, with a block per view, and weights, with a block per count, per data set and front end."""
    for dataset, front_end, label, rows in by_data(results, frame):
        accuracy = rows["metric"] == "accuracy"
        for kind, part, notes, without in (
            ("accuracy", rows[accuracy], _accuracy_notes(results, dataset, rows[accuracy]), ()),
            ("weights", rows[~accuracy], _count_notes(rows[~accuracy]), ("interval", "n")),
        ):
            if len(part):
                name, caption = (
                    f"comparison-{dataset}-{front_end}-{kind}",
                    f"Reported and reproduced {kind} on {label}.",
                )
                yield Sheet(name, caption, list(_blocks(part)), notes + _sources(part), without)


def _blocks(rows: pd.DataFrame) -> Iterator[tuple[str, list[Row]]]:
    for (protocol, name), title in TITLES.items():
        part = rows[(rows["protocol"] == protocol) & (rows["measure" if protocol else "metric"] == name)]
        if len(part):
            yield title, rows_of(part)


def difference_of_protocols(results: Results, dataset: str) -> str:
    """Return how our closest view still differs from the published implementations, as text."""
    share = splits.train_share(results, dataset)
    return (
        "The view closest to the published protocol still differs from it. A validation part is cut from the training "
        f"clips: our models train on {number(None if share is None else 100 * share, 1)} % of the clips, the published "
        f"implementations on {number(100 * REPORTED_TRAIN)} %. Early stopping, if a model uses it, can end a run "
        "before its best test epoch; the published implementations train to their last epoch."
    )


def _accuracy_notes(results: Results, dataset: str, rows: pd.DataFrame) -> list[str]:
    notes = [
        "match: the 95 % interval over folds and seeds lies within "
        f"{number(100 * results.layout['tolerance'], 1)} points of the reported value; better, worse: it lies on one "
        "side and the mean is farther away than that; inconclusive: neither. Intervals are corrected for overlapping "
        "folds; with one fold they cover seeds only.",
        difference_of_protocols(results, dataset),
    ]
    if (rows["verdict"] == verdict.PARTIAL).any():
        notes.append("part of the set: reported accuracies are on the whole data set, ours on a part: no verdict.")
    return notes


def _count_notes(rows: pd.DataFrame) -> list[str]:
    notes = ["Counts match exactly, ratios and totals to the printed digits."]
    totals = rows[rows["counts"] != ""].drop_duplicates(["source", "counts"])
    return notes + [f"Totals ({row.source}): {row.counts}." for row in totals.itertuples()]


def _sources(rows: pd.DataFrame) -> list[str]:
    notes = []
    for source, part in rows[rows["status"] != "unknown"].groupby("source", sort=False):
        metrics = ", ".join(part["metric"].unique())
        notes.append(f"{'Derived' if (part['status'] == 'derived').all() else 'Source'} ({metrics}): {source}.")
    return notes


def _link(row: Row) -> str:
    return "" if row["verdict"] == verdict.NOT_RUN else link(row)


TITLE, EMPTY = "Reported and reproduced", "No recurrent model to compare."
TABLE = Table("comparison", TITLE, 4, build, sheets, COLUMNS, EMPTY)
