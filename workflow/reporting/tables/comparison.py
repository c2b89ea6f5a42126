"""Every reported number compared with ours, with a verdict."""

import math
from collections.abc import Iterator

import pandas as pd

from workflow.reporting import models, splits, statistics, verdict
from workflow.reporting.numbers import number
from workflow.reporting.records import PLACE
from workflow.reporting.reported import COUNTS
from workflow.reporting.results import Results, cached
from workflow.reporting.table import MODEL, Cell, Column, Row, Sheet, Table, by_data, interval, link, text

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
ORIGIN = ["status", "source", "locator", "counts"]
CSV = [*PLACE, "metric", "protocol", "measure", "reported", "reproduced", "low", "high", "n", "difference", "verdict"]
CSV += ["reason", "status", "precision", "source", "locator", "counts"]
UNREPORTED = {"metric": "accuracy", "value": math.nan, "step": math.nan}
UNREPORTED |= {"status": "unknown", "source": "not in reported.csv", "locator": "", "counts": ""}


def model(results: Results, row: Row, column: Column) -> Cell:
    """Show a model's name, and whether the reported number is derived."""
    mark = " (derived)" if row["status"] == "derived" else ""
    return Cell(models.label(results, row["model"]) + mark, link=_link(row))


def value(results: Results, row: Row, column: Column) -> Cell:
    """Show accuracies in percent, reported ones and ratios with the digits of the source, counts with none."""
    accuracy, digits = row["metric"] == "accuracy", column.digits
    scale = 100 if accuracy else 1
    as_printed = column.key == "reported" if accuracy else row["metric"].startswith("ratio")
    if as_printed and not pd.isna(row["reported"]):
        digits = max(0, -math.floor(math.log10(scale * row["precision"]) + 0.5))
    elif not accuracy:
        digits = 0
    shown = None if pd.isna(row[column.key]) else scale * row[column.key]
    return Cell(number(shown, digits, column.sign), link=_link(row))


def _link(row: Row) -> str:
    return "" if row["verdict"] == verdict.NOT_RUN else link(row)


COLUMNS = [
    MODEL._replace(show=model),
    Column("reported", "Reported", value),
    Column("reproduced", "Reproduced", value, digits=1),
    Column("interval", "95 % interval", interval, digits=1, scale=100),
    Column("n", "n"),
    Column("difference", "Difference", value, digits=1, sign=True),
    Column("verdict", "Verdict", text, align="l"),
    Column("reason", "Reason", text, align="l"),
]


@cached
def build(results: Results) -> pd.DataFrame:
    """Return accuracies (fractions) once per view, counts and ratios once."""
    rows, reported, families = [], results.reported, set()
    for dataset, front_end, name in results.places:
        place, family = (dataset, front_end, name), models.get(results, name).family
        families.add((dataset, front_end, family))
        if models.kind(results, name) != "baseline":
            here = (reported["dataset"] == dataset) & (reported["front_end"] == front_end)
            known = reported[here & reported["model"].isin([family, name])]
            accuracies = known[known["metric"] == "accuracy"].to_dict("records") or [UNREPORTED]
            rows += [_accuracy(results, place, entry, view) for entry in accuracies for view in VIEWS]
            counts = known[known["metric"].isin(COUNTS)].to_dict("records")
            rows += [_count(results, place, entry) for entry in counts]
    data = {place[:2] for place in families}
    for entry in reported.to_dict("records"):  # those of families without a model, on data that are here
        place = entry["dataset"], entry["front_end"], entry["model"]
        if place[:2] in data and place not in families and not pd.isna(entry["value"]):
            row = _row(place, entry, NEAREST if entry["metric"] == "accuracy" else ("", ""))
            rows.append(row | {"n": 0, "verdict": verdict.NOT_RUN, "reason": "not in this configuration"})
    return pd.DataFrame(rows, columns=CSV)


def _row(place: tuple[str, str, str], entry: Row, view: tuple[str, str]) -> Row:
    row = dict(zip([*PLACE, "protocol", "measure"], [*place, *view], strict=True))
    row |= {"metric": entry["metric"], "reported": entry["value"], "precision": entry["step"]}
    return row | {name: entry[name] for name in ORIGIN}


def _accuracy(results: Results, place: tuple[str, str, str], entry: Row, view: tuple[str, str]) -> Row:
    protocol, measure = view
    found = statistics.summary(results, measure, *place, protocol)
    word, reason = verdict.of_accuracy(entry["value"], found, results.layout["tolerance"])
    difference = found.mean - entry["value"]
    if results.partial(place[0]) and not math.isnan(difference):
        word, reason = verdict.PARTIAL, "the configuration declares the data set partial"
        difference = math.nan
    ours = {"reproduced": found.mean, "low": found.low, "high": found.high, "n": found.n, "difference": difference}
    return _row(place, entry, view) | ours | {"verdict": word, "reason": reason}


def _count(results: Results, place: tuple[str, str, str], entry: Row) -> Row:
    ours: float | None
    if entry["metric"] == "weights":
        ours = models.total(results, *place, entry["counts"])
    else:
        ours = ((models.counts(results, *place) or {}) | models.ratios(results, *place)).get(entry["metric"])
    word, reason = verdict.of_count(entry["metric"], entry["value"], entry["step"], ours)
    difference = math.nan if ours is None else ours - entry["value"]
    found = {"reproduced": ours, "difference": difference, "verdict": word, "reason": reason}
    return _row(place, entry, ("", "")) | found


def sheets(results: Results, frame: pd.DataFrame) -> Iterator[Sheet]:
    """Yield accuracies, with a block per view, and weights, with a block per count, per data set and front end."""
    views = list(zip(frame["protocol"], frame["measure"].where(frame["protocol"] != "", frame["metric"]), strict=True))
    order = list(TITLES)
    frame = frame.assign(place=[order.index(view) for view in views], block=[TITLES[view] for view in views])
    for dataset, front_end, label, rows in by_data(results, frame):
        accuracy = rows["metric"] == "accuracy"
        for kind, part, notes, without in (
            ("accuracy", rows[accuracy], _accuracy_notes(results, dataset, rows[accuracy]), ()),
            ("weights", rows[~accuracy], _count_notes(rows[~accuracy]), ("interval", "n")),
        ):
            if len(part):
                caption = f"Reported and reproduced {kind} on {label}."
                shown = part.sort_values("place", kind="stable")
                yield Sheet(f"{dataset}-{front_end}-{kind}", caption, shown, notes + _sources(part), without)


def _accuracy_notes(results: Results, dataset: str, rows: pd.DataFrame) -> list[str]:
    share = splits.shares(results, dataset, "random").get("n_train", math.nan)
    notes = [
        "match: the 95 % interval over folds and seeds lies within "
        f"{number(100 * results.layout['tolerance'], 1)} points of the reported value; better, worse: it lies on one "
        "side and the mean is farther away than that; inconclusive: neither. Intervals are corrected for overlapping "
        "folds; with one fold they cover seeds only.",
        "The view closest to the published protocol still differs from it. A validation part is cut from the training "
        f"clips: our models train on {number(100 * share, 1)} % of the clips, the published implementations on "
        f"{number(100 * REPORTED_TRAIN)} %. Early stopping, if a model uses it, can end a run before its best test "
        "epoch; the published implementations train to their last epoch.",
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


TITLE, EMPTY = "Reported and reproduced", "No recurrent model to compare."
TABLE = Table("comparison", TITLE, 4, build, sheets, COLUMNS, EMPTY)
