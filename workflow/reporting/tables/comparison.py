"""Every reported number compared with ours, with a verdict."""

import math
from collections.abc import Iterator

import pandas as pd

from workflow.datasets.catalogue import CATALOGUE
from workflow.reporting import models, splits, statistics, verdict
from workflow.reporting.numbers import MISSING, number
from workflow.reporting.records import EXPERIMENT, PLACE
from workflow.reporting.reported import COUNTS, SELECTIONS
from workflow.reporting.results import Results, cached
from workflow.reporting.table import MODEL, Column, Note, Row, Sheet, Table, by_data, interval, text

STRICT = ("group", "test_accuracy")  # no source on both sides, no look at test clips
TITLES = {
    ("random", "final_epoch_accuracy"): "Protocol random, last epoch (%)",
    ("random", "best_epoch_accuracy"): "Protocol random, best test epoch (%)",
    ("random", "test_accuracy"): "Protocol random, epoch chosen on validation (%)",
    STRICT: "Strict, not as reported: protocol group, epoch chosen on validation (%)",
    ("", "W"): "Input-to-hidden weights W",
    ("", "U"): "Hidden-to-hidden weights U",
    ("", "weights"): "Weights in all, counted as the source counts",
    ("", "ratio_W"): "Times fewer than dense W",
    ("", "ratio_weights"): "Times fewer than dense W + U",
}
EPOCHS = {"final": "last", "best_test": "best", "validation": "validation", "unknown": "unclear"}
VIEWS = pd.DataFrame(
    [(name, "random", measure) for name, measures in SELECTIONS.items() for measure in measures]
    + [(name, *STRICT) for name in SELECTIONS],
    columns=["selection", "protocol", "measure"],
)
REPORTED_TRAIN = 0.8  # random 5-fold (TT-LSTM), 80/20 (BT-LSTM), 70/10/20 with the validation part merged (TR-LSTM)
CSV = [*PLACE, "metric", "protocol", "measure", "selection", "reported", "n_test", "margin", "reproduced"]
CSV += ["low", "high", "n", "folds", "difference", "verdict", "reason", "status", "step", "source", "locator"]
CSV += ["counts"]
INTERVALS = (
    "95 % intervals: Student's t over the means of n folds, corrected for shared training clips; none for one fold."
)
FOUND = (
    "Found: at the epoch of the reported accuracy (the last, or the best on test clips), or at both if that is unclear."
)
TRAIN_NOTE = "Our models train on {} % of the clips under random, the published implementations on {} %."
UNREPORTED = {"metric": "accuracy", "step": 0.01, "status": "unknown", "source": "not in reported.csv"}
UNREPORTED |= {"selection": "unknown", "locator": "", "counts": ""}


def model(results: Results, row: Row, column: Column) -> str:
    """Show a model's name, and whether the reported number is derived."""
    mark = " (derived)" if row["status"] == "derived" else ""
    return models.label(results, row["model"]) + mark


def value(results: Results, row: Row, column: Column) -> str:
    """Show our accuracies with the column's digits, everything else with the digits of the source."""
    accuracy = row["metric"] == "accuracy"
    scale = column.scale if accuracy else 1
    printed = max(0, round(-math.log10(scale * row["step"])))
    digits = column.digits if accuracy and column.key != "reported" else printed
    return number(scale * row[column.key], digits, column.sign)


def epoch(results: Results, row: Row, column: Column) -> str:
    """Show the epoch of a reported accuracy."""
    return MISSING if pd.isna(row["reported"]) else EPOCHS[row["selection"]]


COLUMNS = [
    MODEL._replace(show=model),
    Column("reported", "Reported", value, scale=100),
    Column("selection", "Its\nepoch", epoch, align="l"),
    Column("reproduced", "Found", value, digits=1, scale=100),
    Column("interval", "95 %\ninterval", interval, digits=1, scale=100),
    Column("folds", "n"),
    Column("n", "Runs"),
    Column("difference", "Gap", value, digits=1, scale=100, sign=True),
    Column("verdict", "Verdict", text, align="l"),
    Column("reason", "Reason", text, align="l"),
]


@cached
def build(results: Results) -> pd.DataFrame:
    """Return counts and ratios once, accuracies (fractions) once as their source selects the epoch and once strictly.

    n_test: clips that a reported accuracy is measured on; margin: within which ours must be equivalent.
    """
    places = pd.DataFrame(results.places, columns=PLACE, dtype=str)
    places["of"] = places["model"].map(lambda name: models.get(results, name).family)
    reported = results.reported.drop(columns="protocol")
    reported = reported.rename(columns={"model": "of", "value": "reported"})
    absent = reported[reported["reported"].notna()].merge(places[["dataset", "front_end"]].drop_duplicates())
    absent = absent.merge(places, how="left").query("model.isna()")  # families without a model, on data that are here
    places = places[places["model"].map(lambda name: models.kind(results, name)) != "baseline"]
    first = places.merge(models.compared(results)[PLACE].drop_duplicates())  # one for all ranks
    names = pd.concat([first, places.assign(of=places["model"])]).drop_duplicates()
    known = names.merge(reported).drop(columns="of")  # of a model's family, and of a variant by its own name
    shown = pd.concat([first, known])[PLACE].drop_duplicates()
    viewed = results.experiments.merge(VIEWS[["protocol"]])[PLACE].drop_duplicates()  # not under siblings_* alone
    accuracies = shown.merge(viewed).merge(known[known["metric"] == "accuracy"], how="left").fillna(UNREPORTED)
    accuracies = accuracies.merge(VIEWS)
    rows = [row | _accuracy(results, row) for row in accuracies.to_dict("records")]
    counts = known[known["metric"].isin(COUNTS)].assign(protocol="", measure="")
    rows += [row | _count(results, row) for row in counts.to_dict("records")]
    absent = absent.merge(VIEWS[VIEWS["protocol"] == "random"], how="left").fillna({"protocol": "", "measure": ""})
    absent = absent.assign(model=absent["of"], n=0, verdict=verdict.NOT_RUN, reason="not in this configuration")
    return pd.DataFrame(rows + absent.to_dict("records"), columns=CSV)


def _accuracy(results: Results, row: Row) -> Row:
    found = statistics.summary(results, row["measure"], *(row[name] for name in EXPERIMENT))
    ours = {"reproduced": found.mean} | found._asdict()
    if math.isnan(row["reported"]):
        return ours | {"verdict": verdict.NOT_REPORTED, "reason": verdict.UNKNOWN}
    if found.n and results.partial(row["dataset"]):
        return ours | {"verdict": verdict.PARTIAL, "reason": "the configuration declares the data set partial"}
    n_test, errors = round((1 - REPORTED_TRAIN) * CATALOGUE[row["dataset"]].clips), results.layout["margin_errors"]
    word, reason = verdict.of_accuracy(row["reported"], n_test, errors, found)
    ours |= {"n_test": n_test, "margin": verdict.margin(row["reported"], n_test, errors)}
    return ours | {"difference": found.mean - row["reported"], "verdict": word, "reason": reason}


def _count(results: Results, row: Row) -> Row:
    place, metric = (row["dataset"], row["front_end"], row["model"]), row["metric"]
    known = models.counts(results, *place) | models.ratios(results, *place)
    ours = models.total(results, *place, row["counts"]) if metric == "weights" else known.get(metric)
    word, reason = verdict.of_count(metric, row["reported"], row["step"], ours)
    difference = math.nan if ours is None else ours - row["reported"]
    return {"reproduced": ours, "difference": difference, "verdict": word, "reason": reason}


def sheets(results: Results, frame: pd.DataFrame) -> Iterator[Sheet]:
    """Yield accuracies, with a block per view, and weights, with a block per count, per data set and front end."""
    views = [(row.protocol, row.measure or row.metric) for row in frame.itertuples()]
    frame = frame.assign(place=[list(TITLES).index(view) for view in views], block=[TITLES[view] for view in views])
    frame = frame.sort_values("place", kind="stable")
    for dataset, front_end, label, rows in by_data(results, frame):
        accuracies, counts = (rows[(rows["metric"] == "accuracy") == wanted] for wanted in (True, False))
        name = f"{dataset}-{front_end}"
        notes = [*_accuracy_notes(results, dataset, accuracies), *_sources(accuracies)]
        if accuracies["reported"].notna().any():
            unjudged = () if accuracies["difference"].notna().any() else ("difference",)
            caption = f"Reported and reproduced accuracy on {label}."
            yield Sheet(f"{name}-accuracy", caption, accuracies, notes, unjudged)
        if len(counts):
            caption, sources = f"Reported and reproduced weights on {label}.", _count_notes(counts) + _sources(counts)
            yield Sheet(f"{name}-weights", caption, counts, sources, ("selection", "interval", "folds", "n"))


def _accuracy_notes(results: Results, dataset: str, rows: pd.DataFrame) -> list[str | Note]:
    share = splits.share_trained_on(results, dataset, "random")
    errors, limits = number(results.layout["margin_errors"]), 100 * rows["margin"]
    margin = f" (here {number(limits.min(), 1)} to {number(limits.max(), 1)} points)" if limits.notna().any() else ""
    meanings = {
        verdict.MATCH: f"two one-sided tests (5 %) place the gap within {errors} standard errors of an accuracy on one "
        f"test part{margin}, since two such accuracies of one model already differ by up to 2.8.",
        verdict.DIFFERS: "no match, and the 95 % interval of the gap excludes 0.",
        verdict.INCONCLUSIVE: "neither match nor differs; more folds are needed.",
        verdict.PARTIAL: "no verdict: reported accuracies are on the whole data set, ours on a part.",
    }
    return [
        Note(INTERVALS, ("interval",)),
        Note(FOUND, ("selection", "reproduced", "difference")),
        Note("Gap: found minus reported.", ("difference",)),
        *(Note(f"{word}: {text}", ("verdict",)) for word, text in meanings.items() if (rows["verdict"] == word).any()),
        *([TRAIN_NOTE.format(number(100 * share, 1), number(100 * REPORTED_TRAIN))] if share == share else []),
    ]


def _count_notes(rows: pd.DataFrame) -> list[str]:
    totals = rows.loc[rows["counts"] != "", ["source", "counts"]].drop_duplicates()
    notes = [f"Totals ({row.source}): {row.counts}." for row in totals.itertuples()]
    return ["Counts match exactly, ratios and totals to the printed digits.", *notes]


def _sources(rows: pd.DataFrame) -> list[str]:
    words, groups = {"reported": "Source", "derived": "Derived"}, rows.groupby(["source", "status"], sort=False)
    metrics = groups["metric"].agg(lambda column: ", ".join(column.unique()))
    return [f"{words[status]} ({text}): {source}." for (source, status), text in metrics.items() if status in words]


TITLE, EMPTY = "Reported and reproduced", "No number is reported for this data."
TABLE = Table("comparison", TITLE, 4, build, sheets, COLUMNS, EMPTY)
