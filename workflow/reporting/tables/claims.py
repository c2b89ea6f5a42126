"""claims: what the abstract of FDHT-LSTM says, checked one by one against the records."""

import math
from functools import lru_cache

import pandas as pd

from workflow.reporting import counted, rivals
from workflow.reporting import layout as layouts
from workflow.reporting.ranking import compare
from workflow.reporting.render import HOLE, Cell, Column, Sheet, number
from workflow.reporting.results import Results
from workflow.reporting.statistics import FEWEST, holm
from workflow.reporting.tables.accuracy import ACCURACIES
from workflow.reporting.tables.leakage import interval_text

HOLDS, FAILS, INCONCLUSIVE, NOT_RUN = "holds", "fails", "inconclusive", "not run"
RANGES = ("weights_low", "weights_high", "times_fewer_low", "times_fewer_high", "gain_low", "gain_high")
EMPTY = "No FDHT-LSTM to check."
TITLES = {
    "weights": "Only few thousand weights",
    "times_fewer": "Times fewer than every compressed rival",
    "times_fewer_dense": "Another reading, times fewer than the dense LSTM",
    "test_accuracy": "More accurate than every compressed rival",
    "best_epoch_accuracy": "More accurate than every compressed rival",
}
SHEETS = {
    "size": ("weights", "times_fewer", "times_fewer_dense"),
    "accuracy, epoch chosen on validation": ("test_accuracy",),
    "accuracy, best test epoch (optimistic)": ("best_epoch_accuracy",),
}
# columns that say nothing in a sheet
SILENT = {kind: {"setting"} for kind in SHEETS} | {"size": {"interval", "n", "p"}}
COLUMNS = {
    "setting": Column("setting", ("Data and protocol",), number=False),
    "model": Column("model", ("Model",), number=False),
    "against": Column("against", ("Against",), number=False),
    "found": Column("found", ("Found",)),
    "interval": Column("interval", ("95 % interval",)),
    "n": Column("n", ("Pairs",)),
    "p": Column("p", ("p (Holm)",)),
    "verdict": Column("verdict", ("Verdict",), number=False),
}
CSV = ["claim", "dataset", "front_end", "protocol", "model", "against", "expected_low", "expected_high", "found"]
CSV += ["low", "high", "n", "p", "p_corrected", "verdict"]


@lru_cache(maxsize=8)
def build(results: Results) -> pd.DataFrame:
    """claims.csv: a row per check. Accuracy differences are fractions, FDHT-LSTM less its rival."""
    rows = []
    places = counted.places(results)
    ours = [row for row in places.itertuples(index=False) if layouts.kind(results.layout, row.model) == "fdht"]
    for place in ours:
        rows += _counts(results, place)
    for measure in ACCURACIES:
        rows += _rivals(results, measure, ours)
    return pd.DataFrame(rows, columns=CSV)


def published(results: Results, metric: str) -> float:
    """A number of the abstract, from reported.csv; NaN where it is not there."""
    table = results.reported
    found = table.loc[(table["dataset"] == "all") & (table["metric"] == metric), "value"]
    return float(found.iloc[0]) if len(found) else math.nan


def _counts(results: Results, place) -> list[dict]:
    """How many weights, and how many times fewer: than each compressed rival, as the abstract says, and than dense."""
    base = {"dataset": place.dataset, "front_end": place.front_end, "protocol": "", "model": place.model}
    total = _total(counted.counts(results, *place))
    low, high = published(results, "weights_low"), published(results, "weights_high")
    rows = [
        base
        | {"claim": "weights", "expected_low": low, "expected_high": high, "found": total}
        | {"verdict": _judge(total, low <= total <= high)}
    ]
    low, high = published(results, "times_fewer_low"), published(results, "times_fewer_high")
    others = [("times_fewer", rival) for rival in rivals.of(results, *place)] + [("times_fewer_dense", "dense LSTM")]
    for claim, against in others:
        find = counted.dense if claim == "times_fewer_dense" else counted.counts
        named = place.model if claim == "times_fewer_dense" else against  # the dense LSTM of this model's size
        fewer = _total(find(results, place.dataset, place.front_end, named)) / total if total else math.nan
        rows.append(
            base
            | {"claim": claim, "against": against, "expected_low": low, "expected_high": high, "found": fewer}
            | {"verdict": _judge(fewer, fewer >= low)}
        )
    return rows


def _total(found: dict[str, int] | None) -> float:
    return found["W"] + found["U"] if found else math.nan


def _judge(value: float, holds: bool) -> str:
    return NOT_RUN if math.isnan(value) else HOLDS if holds else FAILS


def _rivals(results: Results, measure: str, ours: list) -> list[dict]:
    """FDHT-LSTM against each compressed rival that is its like; Holm over all rows of the measure."""
    rows = []
    for place in ours:
        for rival in rivals.of(results, *place):
            for protocol in results.experiments["protocol"].drop_duplicates():
                block = place.dataset, place.front_end, protocol
                test = compare(results, measure, place.model, rival, *block)
                rows.append(
                    {"claim": measure, "dataset": place.dataset, "front_end": place.front_end}
                    | {"protocol": protocol, "model": place.model, "against": rival, "expected_low": 0.0}
                    | {"found": test.difference, "low": test.low, "high": test.high, "n": test.n, "p": test.p}
                )
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_corrected"] = p
        row["verdict"] = _rival_verdict(row, results.layout["significance"])
    return rows


def _rival_verdict(row: dict, significance: float) -> str:
    if row["n"] == 0:
        return NOT_RUN
    if row["n"] < FEWEST or row["p_corrected"] > significance:
        return INCONCLUSIVE
    return HOLDS if row["found"] > 0 else FAILS


def overall(verdicts: list[str]) -> str:
    """Of a claim about every rival: it holds where each does, fails where one does."""
    if not verdicts or set(verdicts) == {NOT_RUN}:
        return NOT_RUN
    if FAILS in verdicts:
        return FAILS
    return HOLDS if set(verdicts) == {HOLDS} else INCONCLUSIVE


def sheets(results: Results) -> list[Sheet]:
    """Printed tables: one of sizes, a block per claim, and one per accuracy, a block per protocol."""
    table = layouts.keep(results.layout, "claims", build(results))
    wanted = layouts.choose(results.layout, "claims", COLUMNS)
    result = []
    for kind, named in SHEETS.items():
        rows = table[table["claim"].isin(named)]
        if rows.empty:
            continue
        chosen = [key for key in wanted if key not in SILENT[kind]]
        if kind == "size":
            caption = "Claims of the abstract, checked: size."
            titled = [(_verdict_title(claim, part), part) for claim, part in rows.groupby("claim", sort=False)]
        else:
            caption = f"Claims of the abstract, checked: {kind}. {_verdict_title(named[0], rows)}."
            by = ["dataset", "front_end", "protocol"]
            titled = [(_setting(results, key), part) for key, part in rows.groupby(by, sort=False)]
        blocks = [
            (
                title,
                [[_cell(results, key, row)._replace(link=_link(key, row)) for key in chosen] for row in _dicts(part)],
            )
            for title, part in titled
        ]
        columns = [COLUMNS[key] for key in chosen]
        result.append(Sheet(f"claims-{named[-1]}", caption, columns, blocks, _notes(results, named)))
    return result


def _verdict_title(claim: str, rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    claimed = f", {number(first['expected_low'])} to {number(first['expected_high'])}"  # of sizes, the same in all rows
    return f"{TITLES[claim]}{'' if claim in ACCURACIES else claimed}: {overall(list(rows['verdict']))}"


def _setting(results: Results, place: tuple[str, str, str]) -> str:
    setting = layouts.setting_label(results.layout, *place[:2])
    return f"{setting}, protocol {place[2]}" if place[2] else setting


def _dicts(rows: pd.DataFrame) -> list[dict]:
    return rows.to_dict("records")


def _notes(results: Results, named: tuple[str, ...]) -> list[str]:
    low, high = (number(published(results, f"gain_{end}") * 100, 1) for end in ("low", "high"))
    fewest, most = (number(published(results, f"times_fewer_{end}")) for end in ("low", "high"))
    level = number(results.layout["significance"], 2)
    if "weights" in named:
        notes = [
            f"The abstract claims {fewest} to {most} times fewer parameters than compressed LSTMs: this holds where "
            "the weights W + U that a rival stores, its dense U with them, are at least the lower end times ours. The "
            "dense LSTM, beside it at the same range, is another reading: the abstract does not compare with it."
        ]
    else:
        notes = [
            "FDHT-LSTM less its rival in points, each variant against the rivals with the same start, paired over "
            "shared folds and seeds, corrected for overlapping folds; p after Holm over all rows; holds or fails at p "
            f"of {level} or less. The abstract claims {low} to {high} points."
        ]
    if "demo" in set(results.experiments["dataset"]):
        notes.append("The generated demo set is none of the paper's: its rows show that the checks work.")
    return notes


def _link(key: str, row: dict) -> str:
    rival = key == "against" and row["claim"] in (*ACCURACIES, "times_fewer")
    parts = (row["dataset"], row["front_end"], row["against"] if rival else row["model"], row["protocol"])
    return "/".join(part for part in parts if part)


def _cell(results: Results, key: str, row: dict) -> Cell:
    share = row["claim"] in ACCURACIES
    if key == "setting":
        return Cell(_setting(results, (row["dataset"], row["front_end"], row["protocol"])))
    if key == "against":
        return Cell(layouts.model_label(results.layout, row["against"]) if isinstance(row["against"], str) else "")
    if key == "model":
        return Cell(layouts.model_label(results.layout, row["model"]))
    if key == "found":
        # a ratio of a few tens says more with a decimal, and a count has none
        places = layouts.digits(results.layout, "claims", "found", 1) if share or row["found"] < 1000 else 0
        return Cell(number((100 if share else 1) * row["found"], places, sign=share), number=True)
    if key == "interval":
        return Cell(interval_text(row["low"], row["high"], 1) if share else HOLE)
    if key == "n":
        return Cell(str(int(row["n"])) if share else HOLE)
    if key == "p":
        return Cell(p_text(row["p_corrected"]) if share else HOLE)
    return Cell(row[key])


def p_text(p: float) -> str:
    """A p value in print."""
    if math.isnan(p):
        return HOLE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
