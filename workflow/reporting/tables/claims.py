"""The claims of FDHT-LSTM's abstract, checked one by one against the records."""

import math
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from workflow.reporting import layout as layouts
from workflow.reporting import models, reported
from workflow.reporting.numbers import MISSING, number
from workflow.reporting.records import ACCURACIES, PLACE
from workflow.reporting.results import BLOCK, Results, cached
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
SIZE_NOTE = (
    "The abstract claims {} to {} times fewer parameters than compressed LSTMs. This holds if the weights W + U that a "
    "rival stores, its dense U included, are at least the lower end times ours. The dense LSTM, held against the same "
    "range, is another reading: the abstract does not compare with it."
)
GAIN_NOTE = (
    "FDHT-LSTM minus rival (percentage points), each variant against the rivals trained with the same recipe, paired "
    "over shared folds and seeds, corrected for overlapping folds; p after Holm's correction over all rows; verdicts "
    "at p of {} or less. The abstract claims {} to {} points."
)
DEMO_NOTE = "The demo set is not from the paper: its rows only show that the checks work."


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
    sizes = pd.DataFrame([row for place in ours for row in _sizes(results, *place)], columns=CSV)
    pairs = sizes.loc[sizes["claim"] == "times_fewer", [*PLACE, "against"]]
    return pd.concat([sizes, *(_gains(results, measure, pairs) for measure in ACCURACIES)], ignore_index=True)


def _sizes(results: Results, *place: str) -> Iterator[Row]:
    """Check the number of weights, and how many times fewer they are than a rival's and a dense layer's."""
    dataset, front_end, name = place
    rivals = models.rivals(results, *place)
    stored = [models.counts(results, dataset, front_end, model) for model in (name, *rivals)]
    total, *others = (
        known["weights"] if known else math.nan for known in (*stored, models.dense_counts(results, *place))
    )
    yield _size(results, place, "weights", None, total)
    for against, weights in zip([*rivals, DENSE], others, strict=True):
        claim = "times_fewer_dense" if against == DENSE else "times_fewer"
        yield _size(results, place, claim, against, weights / total)


def _size(results: Results, place: tuple[str, ...], claim: str, against: str | None, found: float) -> Row:
    low, high = reported.of_abstract(results.reported, claim.removesuffix("_dense"))
    holds = low <= found and (found <= high or claim != "weights")
    verdict = NOT_RUN if math.isnan(found) else HOLDS if holds else FAILS
    checked = (claim, *place[:2], "", place[2], against, low, high, found)
    return dict(zip(CSV, checked, strict=False)) | {"verdict": verdict}


def _gains(results: Results, measure: str, pairs: pd.DataFrame) -> pd.DataFrame:
    """Compare FDHT-LSTM with each rival; Holm's correction covers all rows of the measure."""
    table = pairs.assign(claim=measure, expected_low=0.0)
    table = table.merge(results.experiments["protocol"].drop_duplicates(), how="cross")
    compared = table[["model", "against", *BLOCK]].itertuples(index=False, name=None)
    tests = pd.DataFrame([compare(results, measure, *row) for row in compared], columns=Interval._fields)
    table = table.join(tests.rename(columns={"mean": "found"})).assign(p_corrected=holm(tests["p"]))
    unclear = (table["n"] < FEWEST) | ~(table["p_corrected"] <= results.layout["significance"])
    verdicts = [table["n"] == 0, unclear, table["found"] > 0]
    return table.assign(verdict=np.select(verdicts, [NOT_RUN, INCONCLUSIVE, HOLDS], FAILS)).reindex(columns=CSV)


def overall(verdicts: Iterable[str]) -> str:
    """Return the verdict on a claim about every rival: it holds if each check does, and fails if one does."""
    found = set(verdicts) or {NOT_RUN}
    return FAILS if FAILS in found else found.pop() if len(found) == 1 else INCONCLUSIVE


def sheets(results: Results, frame: pd.DataFrame) -> Iterator[Sheet]:
    """Yield a sheet of sizes, with a block per claim, and one per accuracy, with a block per data and protocol."""
    fewer, gain = (reported.of_abstract(results.reported, name) for name in ("times_fewer", "gain"))
    level, gains = number(results.layout["significance"], 2), (number(100 * end, 1) for end in gain)
    size_note, gain_note = SIZE_NOTE.format(*map(number, fewer)), GAIN_NOTE.format(level, *gains)
    demo = [DEMO_NOTE] if "demo" in set(results.experiments["dataset"]) else []
    caption = "Claims of the abstract, checked: "
    claims = dict(iter(frame.groupby("claim", sort=False)))
    if sizes := [claims[claim].assign(block=_title(claims[claim])) for claim in TITLES if claim in claims]:
        yield Sheet("size", f"{caption}size.", pd.concat(sizes), [size_note, *demo], ("interval", "n", "p"))
    for measure, title in ACCURACIES.items():
        if measure in claims:
            rows = claims[measure]
            places = rows[BLOCK].itertuples(index=False, name=None)
            blocks = [f"{layouts.data_label(results.layout, *place)}, protocol {name}" for *place, name in places]
            words = f"{caption}more accurate than every compressed rival. {title}: {overall(rows['verdict'])}."
            yield Sheet(measure, words, rows.assign(block=blocks), [gain_note, *demo], ("data",))


def _title(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    ends = f"{number(first['expected_low'])} to {number(first['expected_high'])}"
    return f"{TITLES[first['claim']]}, {ends}: {overall(rows['verdict'])}"


TABLE = Table("claims", "Claims of the abstract", 5, build, sheets, COLUMNS, "No FDHT-LSTM to check.")
