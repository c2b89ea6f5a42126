"""The claims of FDHT-LSTM's abstract, checked one by one against the records."""

import itertools
import math
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from workflow.datasets.protocols import VALIDATED
from workflow.reporting import models, reported
from workflow.reporting.numbers import MISSING, number
from workflow.reporting.records import ACCURACIES, PLACE
from workflow.reporting.results import BLOCK, Results, cached
from workflow.reporting.statistics import Interval, compare, equivalence, holm
from workflow.reporting.table import MODEL, Cell, Column, Note, Row, Sheet, Table, by_data, interval, link, model, text
from workflow.reporting.verdict import INCONCLUSIVE, NOT_RUN

HOLDS, FAILS, EQUIVALENT = "holds", "fails", "equivalent"
NONE = "no verdict"  # on data or a front end that are not the paper's
DENSE = "dense LSTM"
TITLES = {
    "weights": "Only a few thousand weights",
    "times_fewer": "Times fewer than every compressed rival",
    "times_fewer_dense": "Another reading, times fewer than the dense LSTM",
}
CSV = ["claim", "dataset", "front_end", "protocol", "model", "against", "expected_low", "expected_high", "found"]
CSV += ["low", "high", "n", "folds", "p", "p_corrected", "p_equivalent", "verdict"]
REACHED = "_reached"  # ends the claims on accuracies against the dense LSTM
SIZE_NOTE = (
    "The abstract claims {0} to {1} times fewer parameters than compressed LSTMs. The claim holds if a rival stores at "
    "least {0} times as many weights (W + U, its dense U included) as FDHT-LSTM. The comparison with the dense LSTM is "
    "another reading, which the abstract does not make."
)
GAIN_NOTE = (
    "Found: FDHT-LSTM minus the other model (points), each variant against models trained with the same recipe, paired "
    "by fold. 95 % intervals and p: Student's t over the means of n folds, corrected for shared training clips."
)
P_NOTE = "p, equiv.: two one-sided tests of a difference of less than {} points. "
P_NOTE += "Both p values are Holm-corrected over all comparisons of this accuracy, on all data sets and front ends."
VERDICTS = {  # at p <= the layout's significance
    "": "Verdicts at p of {} or less; holds: more accurate, by any amount; fails: less accurate; equivalent: as "
    "accurate within the margin; inconclusive: none of these is shown.",
    REACHED: "Verdicts at p of {} or less; holds: more accurate or equivalent; fails: less accurate; inconclusive: "
    "neither is shown.",
}
OTHERS_NOTE = "There is a verdict only on the paper's own data sets and front ends, which the abstract is about."


def against(results: Results, row: Row, column: Column) -> Cell:
    """Show the rival; the dense LSTM of the same sizes is not in the configuration."""
    rival = row["against"] if row["against"] != DENSE else None
    return Cell(model(results, row, column), link=link(row | {"model": rival}))


def found(results: Results, row: Row, column: Column) -> str:
    """Show a difference in points, or a count or ratio, which has decimals only if it is small."""
    if row["protocol"]:
        return number(column.scale * row["found"], column.digits, sign=True)
    return number(row["found"], 0 if row["found"] >= 1000 else column.digits)


def p_value(results: Results, row: Row, column: Column) -> str:
    """Show a p value with three digits."""
    p = row[column.key]
    return MISSING if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


COLUMNS = [
    MODEL,
    Column("against", "Against", against, align="l"),
    Column("found", "Found", found, digits=1, scale=100),
    Column("interval", "95 % interval", interval, digits=1, scale=100, sign=True),
    Column("folds", "n"),
    Column("p_corrected", "p", p_value),
    Column("p_equivalent", "p,\nequiv.", p_value),
    Column("verdict", "Verdict", text, align="l"),
]


@cached
def build(results: Results) -> pd.DataFrame:
    """Return a row per check. Differences in accuracy are fractions, FDHT-LSTM minus rival."""
    known = models.compared(results)
    places = known.loc[known["protocol"].isin(VALIDATED), PLACE].drop_duplicates().itertuples(index=False, name=None)
    ours = [place for place in places if models.kind(results, place[2]) == "fdht"]
    sizes = pd.DataFrame([row for place in ours for row in _sizes(results, *place)], columns=CSV)
    pairs = [
        (*place, rival, claim)
        for place in ours
        for claim, kind in (("", "compressed"), (REACHED, "dense"))
        for rival in models.rivals(results, *place, kind)
    ]
    table = pd.DataFrame(pairs, columns=[*PLACE, "against", "claim"])
    table = pd.concat([sizes, *(_gains(results, measure, table) for measure in ACCURACIES)], ignore_index=True)
    data, papers = (pd.MultiIndex.from_frame(one[PLACE[:2]]) for one in (table, results.reported))
    others = ~data.isin(papers) & (table["verdict"] != NOT_RUN)
    return table.assign(verdict=table["verdict"].mask(others, NONE))


def _sizes(results: Results, dataset: str, front_end: str, name: str) -> Iterator[Row]:
    """Check the number of weights, and how many times fewer they are than a rival's and a dense layer's."""
    data = dataset, front_end
    total = models.counts(results, *data, name).get("weights", math.nan)
    others = {rival: models.counts(results, *data, rival) for rival in models.rivals(results, *data, name)}
    others[DENSE] = models.dense_counts(results, *data, name)
    times = {against: counts.get("weights", math.nan) / total for against, counts in others.items()}
    for against, found in [(None, total), *times.items()]:
        claim = {None: "weights", DENSE: "times_fewer_dense"}.get(against, "times_fewer")
        low, high = reported.of_abstract(results.reported, claim.removesuffix("_dense"))
        holds = found <= high if claim == "weights" else found >= low
        verdict = NOT_RUN if math.isnan(found) else HOLDS if holds else FAILS
        checked = (claim, *data, "", name, against, low, high, found)
        yield dict(zip(CSV, checked, strict=False)) | {"verdict": verdict}


def _gains(results: Results, measure: str, pairs: pd.DataFrame) -> pd.DataFrame:
    """Compare FDHT-LSTM with each rival and dense LSTM; Holm's correction covers all rows of the measure."""
    table = pairs.assign(claim=measure + pairs["claim"], expected_low=0.0)
    known = results.experiments[results.experiments["protocol"].isin(VALIDATED)]  # the abstract is silent on siblings_*
    table = table.merge(known, on=PLACE).merge(known.rename(columns={"model": "against"}))
    compared = table[["model", "against", *BLOCK]].itertuples(index=False, name=None)
    tests = [compare(results, measure, *row) for row in compared]
    found = pd.DataFrame(tests, columns=Interval._fields).rename(columns={"mean": "found"})
    equivalent = holm([equivalence(test, results.layout["margin"]) for test in tests])
    table = table.join(found).assign(p_corrected=holm(found["p"]), p_equivalent=equivalent)
    shown, same = (table[p] <= results.layout["significance"] for p in ("p_corrected", "p_equivalent"))
    reached = same & table["claim"].str.endswith(REACHED)
    verdicts = [table["n"] == 0, reached | (shown & (table["found"] > 0)), shown, same]
    words = np.select(verdicts, [NOT_RUN, HOLDS, FAILS, EQUIVALENT], INCONCLUSIVE)
    return table.assign(verdict=words).reindex(columns=CSV)


def overall(verdicts: Iterable[str]) -> str:
    """Return the verdict on a claim about every rival: it holds if each check does, and fails if one does."""
    found = set(verdicts) or {NOT_RUN}
    return FAILS if FAILS in found else found.pop() if len(found) == 1 else INCONCLUSIVE


def sheets(results: Results, frame: pd.DataFrame) -> Iterator[Sheet]:
    """Yield, per data set and front end, a sheet of sizes, with a block per claim, and one per accuracy."""
    fewer = [number(end) for end in reported.of_abstract(results.reported, "times_fewer")]
    low, high = (number(100 * end, 1) for end in reported.of_abstract(results.reported, "gain"))
    margin = number(100 * results.layout["margin"], 1)
    p_note = Note(P_NOTE.format(margin), ("p_corrected", "p_equivalent"))
    for dataset, front_end, label, rows in by_data(results, frame[frame["claim"].isin(list(TITLES))]):
        blocks = {claim: _title(own) for claim, own in rows.groupby("claim", sort=False)}
        notes = [SIZE_NOTE.format(*fewer), *([OTHERS_NOTE] if NONE in set(rows["verdict"]) else [])]
        without = ("interval", "folds", "p_corrected", "p_equivalent")
        caption = f"Claims of the abstract, checked: size, {label}."
        yield Sheet(
            f"size-{dataset}-{front_end}", caption, rows.assign(block=rows["claim"].map(blocks)), notes, without
        )
    questions = {
        "": f"Claims of the abstract, checked: more accurate, by {low} to {high} points, than every compressed rival",
        REACHED: f"Whether FDHT-LSTM reaches the dense LSTM: better, or equivalent within {margin} points",
    }
    for (measure, title), (ending, question) in itertools.product(ACCURACIES.items(), questions.items()):
        for dataset, front_end, label, rows in by_data(results, frame[frame["claim"] == measure + ending]):
            blocks = "Protocol " + rows["protocol"] + ": " + rows["model"].map(lambda own: models.label(results, own))
            name = f"{measure}{ending}-{dataset}-{front_end}"
            caption = f"{question}. {title}: {overall(rows['verdict'])}; {label}."
            meaning = VERDICTS[ending].format(number(results.layout["significance"], 2))
            verdict_note = Note(OTHERS_NOTE if NONE in set(rows["verdict"]) else meaning, ("verdict",))
            yield Sheet(name, caption, rows.assign(block=blocks), [GAIN_NOTE, p_note, verdict_note], ("model",))


def _title(rows: pd.DataFrame) -> str:
    first = rows.iloc[0]
    ends = f"{number(first['expected_low'])} to {number(first['expected_high'])}"
    return f"{TITLES[first['claim']]}, {ends}: {overall(rows['verdict'])}"


TABLE = Table("claims", "Claims of the abstract", 5, build, sheets, COLUMNS, "There is no FDHT-LSTM to check.")
