"""The claims of FDHT-LSTM's abstract, checked one by one against the records."""

import math
from collections.abc import Iterator

import pandas as pd

from workflow.reporting import layout as layouts
from workflow.reporting import models, reported
from workflow.reporting.numbers import number, p_value
from workflow.reporting.records import ACCURACIES
from workflow.reporting.results import Results, cached
from workflow.reporting.statistics import FEWEST, compare, holm
from workflow.reporting.table import (
    Cell,
    Column,
    Row,
    Sheet,
    Table,
    count,
    difference_interval,
    link,
    model,
    rows_of,
    text,
)  # fmt: skip

VERDICTS = HOLDS, FAILS, INCONCLUSIVE, NOT_RUN = "holds", "fails", "inconclusive", "not run"
DENSE = "dense LSTM"
TITLES = {
    "weights": "Only a few thousand weights",
    "times_fewer": "Times fewer than every compressed rival",
    "times_fewer_dense": "Another reading, times fewer than the dense LSTM",
}
CSV = ["claim", "dataset", "front_end", "protocol", "model", "against", "expected_low", "expected_high", "found"]
CSV += ["low", "high", "n", "p", "p_corrected", "verdict"]


def data(results: Results, row: Row, key: str, digits: int) -> str:
    """Show data set and front end."""
    return layouts.data_label(results.layout, row["dataset"], row["front_end"])


def against(results: Results, row: Row, key: str, digits: int) -> Cell:
    """Show the rival, which is no entry of the configuration if it is the dense LSTM of the same sizes."""
    if row[key] == DENSE:
        return Cell(DENSE, link="")
    return Cell(model(results, row, key, digits), link=link(row | {"model": row[key]}))


def found(results: Results, row: Row, key: str, digits: int) -> str:
    """Show a difference in points, or a count or ratio, which has decimals only if it is small."""
    if row["claim"] in ACCURACIES:
        return number(100 * row[key], digits, sign=True)
    return number(row[key], 0 if row[key] >= 1000 else digits)


def p_corrected(results: Results, row: Row, key: str, digits: int) -> str:
    """Show the corrected p value."""
    return p_value(row["p_corrected"])


COLUMNS = [
    Column("data", "Data", data, align="l"),
    Column("model", "Model", model, align="l"),
    Column("against", "Against", against, align="l"),
    Column("found", "Found", found, digits=1),
    Column("interval", "95 % interval", difference_interval, digits=1),
    Column("n", "Pairs", count),
    Column("p", "p (Holm)", p_corrected),
    Column("verdict", "Verdict", text, align="l"),
]


@cached
def build(results: Results) -> pd.DataFrame:
    """Return a row per check. Differences in accuracy are fractions, FDHT-LSTM minus rival."""
    ours = [place for place in results.places if models.kind(results, place[2]) == "fdht"]
    rows = [row for place in ours for row in _sizes(results, *place)]
    for measure in ACCURACIES:
        rows += _accuracies(results, measure, ours)
    return pd.DataFrame(rows, columns=CSV)


def _sizes(results: Results, dataset: str, front_end: str, name: str) -> list[Row]:
    """Check the number of weights, and how many times fewer they are than a rival's and a dense layer's."""
    place = dataset, front_end, name
    total = models.weights(models.counts(results, *place))
    others = {
        rival: models.counts(results, dataset, front_end, rival)
        for rival in models.rivals(results, dataset, front_end, name)
    }
    checks: list[tuple[str, str | None, float | None]] = [("weights", None, total)]
    checks += [("times_fewer", rival, _times(models.weights(counts), total)) for rival, counts in others.items()]
    checks += [("times_fewer_dense", DENSE, _times(models.weights(models.dense_counts(results, *place)), total))]
    rows = []
    for claim, rival, value in checks:
        metric = "weights" if claim == "weights" else "times_fewer"
        low, high = (reported.of_abstract(results.reported, f"{metric}_{end}") for end in ("low", "high"))
        holds = value is not None and (low <= value <= high if claim == "weights" else value >= low)
        verdict = NOT_RUN if value is None else HOLDS if holds else FAILS
        row: Row = {"claim": claim, "dataset": dataset, "front_end": front_end, "protocol": "", "model": name}
        row |= {"against": rival, "expected_low": low, "expected_high": high}
        row |= {"found": math.nan if value is None else value, "verdict": verdict}
        rows.append(row)
    return rows


def _times(weights: int | None, ours: int | None) -> float | None:
    return None if weights is None or not ours else weights / ours


def _accuracies(results: Results, measure: str, ours: list[tuple[str, str, str]]) -> list[Row]:
    """Compare FDHT-LSTM with each rival; Holm's correction covers all rows of the measure."""
    rows: list[Row] = []
    for dataset, front_end, name in ours:
        for rival in models.rivals(results, dataset, front_end, name):
            for protocol in results.experiments["protocol"].unique():
                test = compare(results, measure, name, rival, dataset, front_end, protocol)
                row = {"claim": measure, "dataset": dataset, "front_end": front_end, "protocol": protocol}
                row |= {"model": name, "against": rival, "expected_low": 0.0, "found": test.difference}
                rows.append(row | {"low": test.low, "high": test.high, "n": test.n, "p": test.p})
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_corrected"] = p
        row["verdict"] = _verdict(row, results.layout["significance"])
    return rows


def _verdict(row: Row, significance: float) -> str:
    if row["n"] == 0:
        return NOT_RUN
    if row["n"] < FEWEST or row["p_corrected"] > significance:
        return INCONCLUSIVE
    return HOLDS if row["found"] > 0 else FAILS


def overall(verdicts: list[str]) -> str:
    """Return the verdict on a claim about every rival: it holds if each check does, and fails if one does."""
    if not verdicts or set(verdicts) == {NOT_RUN}:
        return NOT_RUN
    if FAILS in verdicts:
        return FAILS
    return HOLDS if set(verdicts) == {HOLDS} else INCONCLUSIVE


def sheets(results: Results, frame: pd.DataFrame) -> Iterator[Sheet]:
    """Yield a sheet of sizes, with a block per claim, and one per accuracy, with a block per data and protocol."""
    sizes = frame[frame["claim"].isin(TITLES)]
    if len(sizes):
        blocks = [(_size_title(rows), rows_of(rows)) for _, rows in sizes.groupby("claim", sort=False)]
        caption = "Claims of the abstract, checked: size."
        yield Sheet("claims-size", caption, blocks, _size_notes(results), ("interval", "n", "p"))
    for measure, rows in frame[frame["claim"].isin(ACCURACIES)].groupby("claim", sort=False):
        verdict = overall(list(rows["verdict"]))
        caption = f"Claims of the abstract, checked: more accurate than every compressed rival. {ACCURACIES[measure]}"
        groups = rows.groupby(["dataset", "front_end", "protocol"], sort=False)
        blocks = [(_block_title(results, *key), rows_of(part)) for key, part in groups]
        notes = _accuracy_notes(results)
        yield Sheet(f"claims-{measure}", f"{caption}: {verdict}.", blocks, notes, ("data",))


def _size_title(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    ends = f"{number(first['expected_low'])} to {number(first['expected_high'])}"
    return f"{TITLES[first['claim']]}, {ends}: {overall(list(rows['verdict']))}"


def _block_title(results: Results, dataset: str, front_end: str, protocol: str) -> str:
    return f"{layouts.data_label(results.layout, dataset, front_end)}, protocol {protocol}"


def _size_notes(results: Results) -> list[str]:
    low, high = (number(reported.of_abstract(results.reported, f"times_fewer_{end}")) for end in ("low", "high"))
    return [
        f"The abstract claims {low} to {high} times fewer parameters than compressed LSTMs. This holds if the weights "
        "W + U that a rival stores, its dense U included, are at least the lower end times ours. The dense LSTM, held "
        "against the same range, is another reading: the abstract does not compare with it.",
        *_demo_note(results),
    ]


def _accuracy_notes(results: Results) -> list[str]:
    ends = [100 * reported.of_abstract(results.reported, f"gain_{end}") for end in ("low", "high")]
    return [
        "FDHT-LSTM minus rival (percentage points), each variant against the rivals trained with the same recipe, "
        "paired over shared folds and seeds, corrected for overlapping folds; p after Holm's correction over all rows; "
        f"verdicts at p of {number(results.layout['significance'], 2)} or less. The abstract claims "
        f"{number(ends[0], 1)} to {number(ends[1], 1)} points.",
        *_demo_note(results),
    ]


def _demo_note(results: Results) -> list[str]:
    demo = "demo" in set(results.experiments["dataset"])
    return ["The demo set is not from the paper: its rows only show that the checks work."] if demo else []


TABLE = Table("claims", "Claims of the abstract", 5, build, sheets, COLUMNS, "No FDHT-LSTM to check.")
