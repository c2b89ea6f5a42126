"""comparison: every published number beside ours, with a verdict."""

import math
from functools import lru_cache

import pandas as pd

from workflow.reporting import conventions, counted, habit, observations, verdict
from workflow.reporting import layout as layouts
from workflow.reporting.render import HOLE, Cell, Column, Sheet, number
from workflow.reporting.reported import COUNTS
from workflow.reporting.results import Results
from workflow.reporting.tables.leakage import interval_text

EMPTY = "No recurrent model to compare."
# (protocol, measure) to hold beside a published accuracy; the published codes split at random and report the best
# test epoch, so that the first is nearest to them (habit.py says what is left between), and the last is what the number
# would be without either habit
VIEWS = (("random", "best_epoch_accuracy"), ("random", "test_accuracy"), ("group", "test_accuracy"))
TITLES = {
    VIEWS[0]: "Nearest to the published habit: protocol random, best test epoch (%)",
    VIEWS[1]: "Protocol random, epoch chosen on validation (%)",
    VIEWS[2]: "Strict: protocol group, epoch chosen on validation (%)",
    ("", "W"): "Input-to-hidden weights W",
    ("", "U"): "Hidden-to-hidden weights U",
    ("", "weights"): "Weights in all, counted as the source counts",
    ("", "ratio_W"): "Times fewer than dense W",
    ("", "ratio_weights"): "Times fewer than dense W + U",
}
COLUMNS = {
    "model": Column("model", ("Model",), number=False),
    "reported": Column("reported", ("Reported",)),
    "reproduced": Column("reproduced", ("Reproduced",)),
    "interval": Column("interval", ("95 % interval",)),
    "n": Column("n", ("n",)),
    "difference": Column("difference", ("Difference",)),
    "verdict": Column("verdict", ("Verdict",), number=False),
    "reason": Column("reason", ("Reason",), number=False),
}
CSV = ["dataset", "front_end", "model", "metric", "protocol", "measure", "reported", "reproduced", "low", "high"]
CSV += ["n", "difference", "verdict", "reason", "status", "precision", "source", "locator", "counted"]


@lru_cache(maxsize=8)
def build(results: Results) -> pd.DataFrame:
    """comparison.csv: accuracies as fractions, once per view; counts and ratios once."""
    rows, counting = [], conventions_of_sources(results)
    for dataset, front_end, model in counted.places(results).itertuples(index=False, name=None):
        if layouts.kind(results.layout, model) == "baseline":
            continue
        published = reported_for(results, dataset, front_end, model)
        accuracies = published[published["metric"] == "accuracy"].to_dict("records") or [_unreported("accuracy")]
        for entry in accuracies:
            rows += [_accuracy(results, (dataset, front_end, model), entry, *view) for view in VIEWS]
        for entry in published[published["metric"].isin(COUNTS)].to_dict("records"):
            rows.append(_count(results, (dataset, front_end, model), entry, counting))
    rows += _never_run(results)
    return pd.DataFrame(rows, columns=CSV)


def reported_for(results: Results, dataset: str, front_end: str, model: str) -> pd.DataFrame:
    """The published numbers of a model; a variant is held beside its model's."""
    base = layouts.base_model(results.layout, model) or model
    table = results.reported
    here = (table["dataset"] == dataset) & (table["front_end"] == front_end)
    return table[here & table["model"].isin([base, model])]


def _unreported(metric: str) -> dict:
    source = "not in reported.csv"
    return {
        "metric": metric,
        "value": math.nan,
        "status": "unknown",
        "source": source,
        "locator": "",
        "step": math.nan,
    }


def _never_run(results: Results) -> list[dict]:
    """Published numbers, on data sets and front ends that are here, of models that are not."""
    here = counted.places(results)
    places = set(here[["dataset", "front_end"]].itertuples(index=False, name=None))
    bases = {
        (place.dataset, place.front_end, layouts.base_model(results.layout, place.model) or place.model)
        for place in here.itertuples()
    }
    rows = []
    for entry in results.reported.to_dict("records"):
        place = entry["dataset"], entry["front_end"], entry["model"]
        if place[:2] not in places or place in bases or pd.isna(entry["value"]):
            continue
        protocol, measure = VIEWS[0] if entry["metric"] == "accuracy" else ("", "")
        row = _row(place, entry, protocol, measure)
        rows.append(row | {"n": 0, "verdict": verdict.NOT_RUN, "reason": "not in this configuration"})
    return rows


def _row(place: tuple[str, str, str], entry: dict, protocol: str, measure: str) -> dict:
    row = dict(zip(("dataset", "front_end", "model"), place, strict=True))
    row |= {"metric": entry["metric"], "protocol": protocol, "measure": measure}
    row |= {"reported": entry["value"], "precision": entry["step"], "counted": ""}
    return row | {name: entry[name] for name in ("status", "source", "locator")}


def _accuracy(results: Results, place: tuple[str, str, str], entry: dict, protocol: str, measure: str) -> dict:
    found = observations.summary(results, measure, *place, protocol)
    said, reason = verdict.of_accuracy(entry["value"], found, results.layout["tolerance"])
    row = _row(place, entry, protocol, measure)
    row |= {"reproduced": found.mean, "low": found.low, "high": found.high, "n": found.n}
    difference = found.mean - entry["value"]
    if results.partial(place[0]) and not math.isnan(difference):
        said, reason, difference = verdict.PARTIAL, "the configuration declares the data set partial", math.nan
    return row | {"difference": difference, "verdict": said, "reason": reason}


def conventions_of_sources(results: Results) -> dict[tuple[str, str], str]:
    """(source, front end) -> the convention by which all its totals are counted, over all data sets."""
    totals: dict[tuple[str, str], list] = {}
    for place in counted.places(results).itertuples(index=False, name=None):
        published = reported_for(results, *place)
        for entry in published[(published["metric"] == "weights") & published["value"].notna()].to_dict("records"):
            totals.setdefault((entry["source"], place[1]), []).append((place, entry))
    return {key: conventions.of_source(results, rows) for key, rows in totals.items()}


def _count(results: Results, place: tuple[str, str, str], entry: dict, counting: dict) -> dict:
    found, whole = counted.counts(results, *place), counted.dense(results, *place)
    value, convention = None, ""
    if found is not None:
        values = {"W": found["W"], "U": found["U"], "weights": found["W"] + found["U"]}
        if whole is not None and found["W"]:
            values["ratio_W"] = whole["W"] / found["W"]
            values["ratio_weights"] = (whole["W"] + whole["U"]) / values["weights"]
        value = values.get(entry["metric"])
        if entry["metric"] == "weights":
            totals = conventions.totals(results, *place)
            wanted = counting.get((entry["source"], place[1]), conventions.PLAIN)
            convention = wanted if wanted in totals else conventions.PLAIN
            value = totals[convention]
    said, reason = verdict.of_count(entry["metric"], entry["value"], entry["step"], value)
    difference = math.nan if value is None else value - entry["value"]
    row = _row(place, entry, "", "") | {"counted": convention}
    return row | {"reproduced": value, "difference": difference, "verdict": said, "reason": reason}


def sheets(results: Results) -> list[Sheet]:
    """Two printed tables per data set and front end: accuracies, a block per view, and weights, a block per count."""
    table = layouts.keep(results.layout, "comparison", build(results))
    chosen = layouts.choose(results.layout, "comparison", COLUMNS)
    result = []
    for (dataset, front_end), rows in table.groupby(["dataset", "front_end"], sort=False):
        setting = layouts.setting_label(results.layout, dataset, front_end)
        accuracy = rows["metric"] == "accuracy"
        for kind, part, notes in (
            ("accuracy", rows[accuracy], _accuracy_notes(results, rows[accuracy])),
            ("weights", rows[~accuracy], _count_notes(results, rows[~accuracy])),
        ):
            if part.empty:
                continue
            keys = [key for key in chosen if kind == "accuracy" or key not in ("interval", "n")]
            caption, columns = f"Reported against reproduced {kind} on {setting}.", [COLUMNS[key] for key in keys]
            label = f"comparison-{dataset}-{front_end}-{kind}"
            result.append(Sheet(label, caption, columns, _blocks(results, part, keys), notes + _sources(part)))
    return result


def _blocks(results: Results, rows: pd.DataFrame, keys: list[str]) -> list[tuple[str, list[list[Cell]]]]:
    blocks = []
    for view, title in TITLES.items():
        mine = rows["measure"] == view[1] if view[0] else rows["metric"] == view[1]
        part = rows[mine & (rows["protocol"] == view[0])].to_dict("records")
        if part:
            cells = [[_cell(results, key, row)._replace(link=_link(row)) for key in keys] for row in part]
            blocks.append((title, cells))
    return blocks


def _accuracy_notes(results: Results, rows: pd.DataFrame) -> list[str]:
    points = number(100 * results.layout["tolerance"], 1)
    nearest = " ".join(habit.deviations(results, list(rows["dataset"].unique())))
    notes = [
        f"match: the 95 % interval over folds and seeds lies within {points} points of the reported value; "
        "better, worse: it lies on one side and the mean is farther away than that; inconclusive: neither. "
        "Intervals are corrected for overlapping folds; with one fold they speak of seeds only.",
        f"Nearest to the published habit is not like for like. {nearest}",
    ]
    if (rows["verdict"] == verdict.PARTIAL).any():
        notes.append(
            "part of the set: the reported accuracies are for the whole data set, ours for a part: no verdict."
        )
    return notes


def _count_notes(results: Results, rows: pd.DataFrame) -> list[str]:
    notes = [
        "Counts match exactly, ratios and totals as far as they are printed, totals by one convention for all rows of "
        "a source and front end."
    ]
    everywhere = build(results)
    for (source, convention), part in rows[rows["counted"] != ""].groupby(["source", "counted"], sort=False):
        alike = (everywhere["source"] == source) & (everywhere["counted"] == convention)
        alike = everywhere.loc[alike & (everywhere["front_end"] == part["front_end"].iloc[0]), "verdict"]
        notes.append(
            f"Totals ({source}): {convention}; by this convention most of them are ours, "
            f"{(alike == verdict.MATCH).sum()} of {len(alike)} over all data sets."
        )
    return notes


def _sources(rows: pd.DataFrame) -> list[str]:
    notes = []
    for source, part in rows[rows["status"] != "unknown"].groupby("source", sort=False):
        metrics = ", ".join(dict.fromkeys(part["metric"]))
        notes.append(f"{'Derived' if (part['status'] == 'derived').all() else 'Source'} ({metrics}): {source}.")
    return notes


def _link(row: dict) -> str:
    parts = (row["dataset"], row["front_end"], row["model"], row["protocol"])
    return "" if row["verdict"] == verdict.NOT_RUN else "/".join(part for part in parts if part)


def _cell(results: Results, key: str, row: dict) -> Cell:
    if key == "model":
        mark = " (derived)" if row["status"] == "derived" else ""
        return Cell(layouts.model_label(results.layout, row["model"]) + mark)
    if key in ("verdict", "reason"):
        return Cell(row[key])
    if key == "n":
        return Cell(HOLE if pd.isna(row["n"]) else str(int(row["n"])))
    accuracy = row["metric"] == "accuracy"
    kind = "accuracy" if accuracy else "ratio" if row["metric"].startswith("ratio") else "count"
    places = layouts.digits(results.layout, "comparison", "accuracy", 1) if accuracy else 0
    scale = 100 if accuracy else 1
    if (kind == "ratio" or (accuracy and key == "reported")) and not pd.isna(row["reported"]):
        places = max(0, -math.floor(math.log10(scale * row["precision"]) + 0.5))  # as it was printed
    if key == "interval":
        low, high = row["low"], row["high"]
        if not accuracy or pd.isna(low):
            return Cell(HOLE)
        return Cell(interval_text(low, high, places, sign=False, n=int(row["n"])))
    value = row[key]
    value = None if value is None or pd.isna(value) else scale * value
    return Cell(number(value, places, sign=key == "difference"), number=True)
