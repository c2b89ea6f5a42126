"""Every reported number compared with ours, with a verdict."""

import math
from collections.abc import Iterator

import pandas as pd

from workflow.reporting import models, splits, statistics, verdict
from workflow.reporting.numbers import number
from workflow.reporting.records import EXPERIMENT, PLACE
from workflow.reporting.reported import COUNTS
from workflow.reporting.results import Results, cached
from workflow.reporting.table import MODEL, Cell, Column, Row, Sheet, Table, by_data, interval, link, text

NEAREST = ("random", "best_epoch_accuracy")  # as the published implementations split and report
STRICT = ("group", "test_accuracy")  # without either habit
TITLES = {
    NEAREST: "Closest to the published protocol: random, best test epoch (%)",
    ("random", "test_accuracy"): "Protocol random, epoch chosen on validation (%)",
    STRICT: "Strict: protocol group, epoch chosen on validation (%)",
    ("", "W"): "Input-to-hidden weights W",
    ("", "U"): "Hidden-to-hidden weights U",
    ("", "weights"): "Weights in all, counted as the source counts",
    ("", "ratio_W"): "Times fewer than dense W",
    ("", "ratio_weights"): "Times fewer than dense W + U",
}
VIEWS = pd.DataFrame(list(TITLES)[:3], columns=["protocol", "measure"])
REPORTED_TRAIN = 0.8  # random 5-fold (TT-LSTM), 80/20 (BT-LSTM), 70/10/20 with the validation part merged (TR-LSTM)
CSV = [*PLACE, "metric", "protocol", "measure", "reported", "reproduced", "low", "high", "n", "difference", "verdict"]
CSV += ["reason", "status", "precision", "source", "locator", "counts"]
UNREPORTED = {"metric": "accuracy", "precision": 0.01, "status": "unknown", "source": "not in reported.csv"}
UNREPORTED |= {"locator": "", "counts": ""}


def model(results: Results, row: Row, column: Column) -> Cell:
    """Show a model's name, and whether the reported number is derived."""
    mark = " (derived)" if row["status"] == "derived" else ""
    return Cell(models.label(results, row["model"]) + mark, link=_link(row))


def value(results: Results, row: Row, column: Column) -> Cell:
    """Show our accuracies with the column's digits, everything else with the digits of the source."""
    scale = 100 if row["metric"] == "accuracy" else 1
    printed = max(0, round(-math.log10(scale * row["precision"])))
    digits = column.digits if scale == 100 and column.key != "reported" else printed
    return Cell(number(scale * row[column.key], digits, column.sign), link=_link(row))


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
    places = pd.DataFrame(results.places, columns=PLACE, dtype=str)
    places["of"] = places["model"].map(lambda name: models.get(results, name).family)
    reported = results.reported.drop(columns="protocol")
    reported = reported.rename(columns={"model": "of", "value": "reported", "step": "precision"})
    absent = reported[reported["reported"].notna()].merge(places[["dataset", "front_end"]].drop_duplicates())
    absent = absent.merge(places, how="left").query("model.isna()")  # families without a model, on data that are here
    places = places[places["model"].map(lambda name: models.kind(results, name)) != "baseline"]
    names = pd.concat([places, places.assign(of=places["model"])]).drop_duplicates()
    known = names.merge(reported).drop(columns="of")  # of a model's family, and of a variant by its own name
    accuracies = places.drop(columns="of").merge(known[known["metric"] == "accuracy"], how="left").fillna(UNREPORTED)
    rows = [row | _accuracy(results, row) for row in accuracies.merge(VIEWS, how="cross").to_dict("records")]
    counts = known[known["metric"].isin(COUNTS)].assign(protocol="", measure="")
    rows += [row | _count(results, row) for row in counts.to_dict("records")]
    nearest = dict(zip(VIEWS, NEAREST, strict=True))
    missing = {"n": 0, "verdict": verdict.NOT_RUN, "reason": "not in this configuration"}
    for row in absent.assign(model=absent["of"], protocol="", measure="").to_dict("records"):
        rows.append(row | missing | (nearest if row["metric"] == "accuracy" else {}))
    return pd.DataFrame(rows, columns=CSV)


def _accuracy(results: Results, row: Row) -> Row:
    found = statistics.summary(results, row["measure"], *(row[name] for name in EXPERIMENT))
    word, reason = verdict.of_accuracy(row["reported"], found, results.layout["tolerance"])
    difference = found.mean - row["reported"]
    if results.partial(row["dataset"]) and not math.isnan(difference):
        word, reason = verdict.PARTIAL, "the configuration declares the data set partial"
        difference = math.nan
    ours = {"reproduced": found.mean, "low": found.low, "high": found.high, "n": found.n, "difference": difference}
    return ours | {"verdict": word, "reason": reason}


def _count(results: Results, row: Row) -> Row:
    place, metric = (row["dataset"], row["front_end"], row["model"]), row["metric"]
    known = (models.counts(results, *place) or {}) | models.ratios(results, *place)
    ours = models.total(results, *place, row["counts"]) if metric == "weights" else known.get(metric)
    word, reason = verdict.of_count(metric, row["reported"], row["precision"], ours)
    difference = math.nan if ours is None else ours - row["reported"]
    return {"reproduced": ours, "difference": difference, "verdict": word, "reason": reason}


def sheets(results: Results, frame: pd.DataFrame) -> Iterator[Sheet]:
    """Yield accuracies, with a block per view, and weights, with a block per count, per data set and front end."""
    views = [(row.protocol, row.measure or row.metric) for row in frame.itertuples()]
    frame = frame.assign(place=[list(TITLES).index(view) for view in views], block=[TITLES[view] for view in views])
    frame = frame.sort_values("place", kind="stable")
    for dataset, front_end, label, rows in by_data(results, frame):
        accuracies, counts = (rows[(rows["metric"] == "accuracy") == wanted] for wanted in (True, False))
        name, notes = f"{dataset}-{front_end}", _accuracy_notes(results, dataset, accuracies) + _sources(accuracies)
        if len(accuracies):
            yield Sheet(f"{name}-accuracy", f"Reported and reproduced accuracy on {label}.", accuracies, notes)
        if len(counts):
            caption, notes = f"Reported and reproduced weights on {label}.", _count_notes(counts) + _sources(counts)
            yield Sheet(f"{name}-weights", caption, counts, notes, ("interval", "n"))


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
    totals = rows.loc[rows["counts"] != "", ["source", "counts"]].drop_duplicates()
    notes = [f"Totals ({row.source}): {row.counts}." for row in totals.itertuples()]
    return ["Counts match exactly, ratios and totals to the printed digits.", *notes]


def _sources(rows: pd.DataFrame) -> list[str]:
    words, groups = {"reported": "Source", "derived": "Derived"}, rows.groupby(["source", "status"], sort=False)
    metrics = groups["metric"].agg(lambda column: ", ".join(column.unique()))
    return [f"{words[status]} ({text}): {source}." for (source, status), text in metrics.items() if status in words]


TITLE, EMPTY = "Reported and reproduced", "No recurrent model to compare."
TABLE = Table("comparison", TITLE, 4, build, sheets, COLUMNS, EMPTY)
