"""The claims of FDHT-LSTM's abstract, checked one by one against the records."""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from workflow.reporting import layout as layouts
from workflow.reporting import models, reported
from workflow.reporting.numbers import MISSING, number
from workflow.reporting.records import ACCURACIES, PLACE
from workflow.reporting.results import Results, cached
from workflow.reporting.statistics import FEWEST, Interval, compare, holm
from workflow.reporting.table import MODEL, Cell, Column, Row, Sheet, Table, interval, link, model, text
from workflow.reporting.verdict import INCONCLUSIVE, NOT_RUN

HOLDS, FAILS = "holds", "fails"
DENSE = "dense LSTM"
TITLES = {
    "weights": "Only a few thousand weights",
    "times_fewer": "Times fewer than every compressed rival",
    "times_fewer_dense": "Another reading, times fewer than the dense LSTM",
}
CSV = ["claim", "dataset", "front_end", "protocol", "model", "against", "expected_low", "expected_high", "found"]
CSV += ["low", "high", "n", "p", "p_corrected", "verdict"]


def data(results: Results, row: Row, column: Column) -> str:
    """Show data set and front end."""
    return layouts.data_label(results.layout, row["dataset"], row["front_end"])


def against(results: Results, row: Row, column: Column) -> Cell:
    """Show the rival; the dense LSTM of the same sizes is not in the configuration."""
    if row["against"] == DENSE:
        return Cell(DENSE, link="")
    return Cell(model(results, row, column), link=link(row | {"model": row["against"]}))


def found(results: Results, row: Row, column: Column) -> str:
    """Show a difference in points, or a count or ratio, which has decimals only if it is small."""
    if row["claim"] in ACCURACIES:
        return number(100 * row["found"], column.digits, sign=True)
    return number(row["found"], 0 if row["found"] >= 1000 else column.digits)


def p_corrected(results: Results, row: Row, column: Column) -> str:
    """Show the corrected p value with three digits."""
    p = row["p_corrected"]
    return MISSING if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


COLUMNS = [
    Column("data", "Data", data, align="l"),
    MODEL,
    Column("against", "Against", against, align="l"),
    Column("found", "Found", found, digits=1),
    Column("interval", "95 % interval", interval, digits=1, scale=100, sign=True),
    Column("n", "Pairs"),
    Column("p", "p (Holm)", p_corrected),
    Column("verdict", "Verdict", text, align="l"),
]


@cached
def build(results: Results) -> pd.DataFrame:
    """Return a row per check. Differences in accuracy are fractions, FDHT-LSTM minus rival."""
    ours = [place for place in results.places if models.kind(results, place[2]) == "fdht"]
    pairs = [(*place, rival) for place in ours for rival in models.rivals(results, *place)]
    rows = [row for place in ours for row in _sizes(results, *place)]
    rows += [row for measure in ACCURACIES for row in _accuracies(results, measure, pairs)]
    return pd.DataFrame(rows, columns=CSV)


def _sizes(results: Results, dataset: str, front_end: str, name: str) -> Iterator[Row]:
    """Check the number of weights, and how many times fewer they are than a rival's and a dense layer's."""
    place = dataset, front_end, name
    total = _weights(models.counts(results, *place)) or math.nan
    found: list[tuple[str, str | None, float]] = [("weights", None, total)]
    for rival in models.rivals(results, *place):
        found.append(("times_fewer", rival, _weights(models.counts(results, dataset, front_end, rival)) / total))
    found.append(("times_fewer_dense", DENSE, _weights(models.dense_counts(results, *place)) / total))
    for claim, against, value in found:
        low, high = reported.of_abstract(results.reported, "weights" if claim == "weights" else "times_fewer")
        holds = low <= value and (value <= high or claim != "weights")
        verdict = NOT_RUN if math.isnan(value) else HOLDS if holds else FAILS
        row: Row = {"claim": claim, "dataset": dataset, "front_end": front_end, "protocol": "", "model": name}
        yield row | {"against": against, "expected_low": low, "expected_high": high, "found": value, "verdict": verdict}


def _weights(counts: dict[str, int] | None) -> float:
    return counts["weights"] if counts else math.nan


def _accuracies(results: Results, measure: str, pairs: list[tuple[str, str, str, str]]) -> list[Row]:
    """Compare FDHT-LSTM with each rival; Holm's correction covers all rows of the measure."""
    table = pd.DataFrame(pairs, columns=[*PLACE, "against"]).assign(claim=measure, expected_low=0.0)
    table = table.merge(results.experiments["protocol"].drop_duplicates(), how="cross")
    compared = table[["model", "against", "dataset", "front_end", "protocol"]].itertuples(index=False, name=None)
    tests = pd.DataFrame([compare(results, measure, *row) for row in compared], columns=Interval._fields)
    table = table.join(tests.rename(columns={"mean": "found"})).assign(p_corrected=holm(tests["p"]))
    unclear = (table["n"] < FEWEST) | ~(table["p_corrected"] <= results.layout["significance"])
    verdicts = [table["n"] == 0, unclear, table["found"] > 0]
    return table.assign(verdict=np.select(verdicts, [NOT_RUN, INCONCLUSIVE, HOLDS], FAILS)).to_dict("records")


def overall(verdicts: list[str]) -> str:
    """Return the verdict on a claim about every rival: it holds if each check does, and fails if one does."""
    if not verdicts or set(verdicts) == {NOT_RUN}:
        return NOT_RUN
    if FAILS in verdicts:
        return FAILS
    return HOLDS if set(verdicts) == {HOLDS} else INCONCLUSIVE


def sheets(results: Results, frame: pd.DataFrame) -> Iterator[Sheet]:
    """Yield a sheet of sizes, with a block per claim, and one per accuracy, with a block per data and protocol."""
    sizes = [rows for claim, rows in frame.groupby("claim", sort=False) if claim in TITLES]
    demo = "demo" in set(results.experiments["dataset"])
    notes = ["The demo set is not from the paper: its rows only show that the checks work."] if demo else []
    if sizes:
        rows = pd.concat([rows.assign(block=_size_title(rows)) for rows in sizes])
        caption = "Claims of the abstract, checked: size."
        yield Sheet("size", caption, rows, [_size_note(results), *notes], ("interval", "n", "p"))
    for measure, title in ACCURACIES.items():
        rows = frame[frame["claim"] == measure]
        if len(rows):
            places = rows[["dataset", "front_end", "protocol"]].itertuples(index=False, name=None)
            blocks = [f"{layouts.data_label(results.layout, *place)}, protocol {name}" for *place, name in places]
            verdict = overall(list(rows["verdict"]))
            caption = f"Claims of the abstract, checked: more accurate than every compressed rival. {title}: {verdict}."
            yield Sheet(measure, caption, rows.assign(block=blocks), [_accuracy_note(results), *notes], ("data",))


def _size_title(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    ends = f"{number(first['expected_low'])} to {number(first['expected_high'])}"
    return f"{TITLES[first['claim']]}, {ends}: {overall(list(rows['verdict']))}"


def _size_note(results: Results) -> str:
    low, high = map(number, reported.of_abstract(results.reported, "times_fewer"))
    return (
        f"The abstract claims {low} to {high} times fewer parameters than compressed LSTMs. This holds if the weights "
        "W + U that a rival stores, its dense U included, are at least the lower end times ours. The dense LSTM, held "
        "against the same range, is another reading: the abstract does not compare with it."
    )


def _accuracy_note(results: Results) -> str:
    low, high = (number(100 * end, 1) for end in reported.of_abstract(results.reported, "gain"))
    return (
        "FDHT-LSTM minus rival (percentage points), each variant against the rivals trained with the same recipe, "
        "paired over shared folds and seeds, corrected for overlapping folds; p after Holm's correction over all rows; "
        f"verdicts at p of {number(results.layout['significance'], 2)} or less. The abstract claims {low} to {high} "
        "points."
    )


TABLE = Table("claims", "Claims of the abstract", 5, build, sheets, COLUMNS, "No FDHT-LSTM to check.")
