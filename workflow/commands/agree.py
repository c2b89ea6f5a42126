"""Compare two folders of records experiment by experiment: yours with results/reference, a cluster's with a laptop's.

\b
same bytes    every predictions.csv is equal, over the runs that both have
same scores   every score of these runs is equal
equivalent    two one-sided tests show that the accuracies differ by less than the margin
differs       a test shows a difference (after Holm's correction over the experiments), and none shows equivalence
inconclusive  no test shows equivalence or a difference

The tests are Student's t on the differences by fold, with seeds averaged first. Both sides have the same folds, so
there is no correction for training clips that folds share. Accuracies are means over the folds that both have, at the
epoch chosen on validation clips, or at the last epoch if a run has no validation clips. The exit status is 0 only if no
experiment is inconclusive or differs.
"""

import filecmp
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from tabulate import tabulate

from workflow.experiments import run, states
from workflow.reporting import records
from workflow.reporting.numbers import number
from workflow.reporting.records import ACCURACIES, EXPERIMENT, IDENTITY, SCORES
from workflow.reporting.results import Results, gather
from workflow.reporting.statistics import equivalence, holm, interval, within
from workflow.reporting.verdict import DIFFERS, INCONCLUSIVE
from workflow.storage import files
from workflow.storage.errors import InputError

SAME_BYTES, SAME_SCORES, EQUIVALENT = "same bytes", "same scores", "equivalent"
SAME = (SAME_BYTES, SAME_SCORES)
VERDICTS = (*SAME, EQUIVALENT, INCONCLUSIVE, DIFFERS)
HEADERS = ("model", "protocol", "runs A/B", "A, %", "B, %", "A - B, points (95 %)", "verdict")
ALIGN = ("left", "left", *["right"] * 3, "left", "left")
ORIGINS = {"data_digest": "clips", "split_digest": "splits"}
SHOWN = 5  # names of a list
Row = dict[str, Any]


def compare(one: Results, two: Results, margin: float) -> list[Row]:
    """Return a row per experiment that both have, in the order of `one`. margin: a fraction.

    Keys: EXPERIMENT; runs of both sides; A and B, their accuracies; found, the Interval of A - B; verdict;
    others, what is not the same on both sides of "clips", "splits", "settings".
    """
    both = one.experiments.merge(_distinct(one, EXPERIMENT)).merge(_distinct(two, EXPERIMENT))
    rows = [_row(one, two, *experiment) for experiment in both.itertuples(index=False, name=None)]
    tested, level = [row for row in rows if not row["verdict"]], one.layout["significance"]
    for row, p in zip(tested, holm([row["found"].p for row in tested]), strict=True):
        equivalent = equivalence(row["found"], margin) <= level
        row["verdict"] = EQUIVALENT if equivalent else DIFFERS if p <= level else INCONCLUSIVE
    return rows


def _row(one: Results, two: Results, *experiment: str) -> Row:
    """Return the row of an experiment; its verdict is empty unless bytes or scores are the same."""
    a, b = (results.successful(*experiment).set_index(["fold", "seed"]) for results in (one, two))
    measure = next(name for name in ACCURACIES if a[name].notna().all() and b[name].notna().all())
    ours, theirs = (side[measure].groupby("fold").mean() for side in (a, b))
    differences = (ours - theirs).dropna()  # of the folds that both have
    clips = files.known_json(one.root / a["record"].iloc[0]).get("clips", {}).get("test")
    found = within(interval(differences, step=1 / clips if clips else 0.0), -1)
    common = a.index.intersection(b.index)
    verdict = ""
    if len(common):
        pairs = zip(a["record"][common], b["record"][common], strict=True)
        predictions = [(one.file(its, "predictions.csv"), two.file(other, "predictions.csv")) for its, other in pairs]
        if all(x.is_file() and y.is_file() and filecmp.cmp(x, y, shallow=False) for x, y in predictions):
            verdict = SAME_BYTES
        elif a.loc[common, SCORES].equals(b.loc[common, SCORES]):
            verdict = SAME_SCORES
    return {
        **dict(zip(EXPERIMENT, experiment, strict=True)),
        "runs": f"{len(a)}/{len(b)}",
        "A": ours[differences.index].mean(),
        "B": theirs[differences.index].mean(),
        "found": found,
        "verdict": verdict,
        "others": _others(one, two, a.reset_index(), b.reset_index()),
    }


def _others(one: Results, two: Results, a: pd.DataFrame, b: pd.DataFrame) -> list[str]:
    """Return which of the things that the records of one experiment were made from differ between the sides."""
    folds = a.merge(b, on="fold")
    others = [word for name, word in ORIGINS.items() if (folds[f"{name}_x"] != folds[f"{name}_y"]).any()]
    first, second = a.iloc[0], b.iloc[0]
    with suppress(InputError):  # a specification that cannot be read
        file = two.file(second["record"], "specification.yaml")
        (wanted,) = run.read(str(file), [int(first["fold"])], [int(first["seed"])])
        if states.respecified((one.root / first["record"]).parent, wanted.plain):
            others.append("settings")
    return others


def _distinct(results: Results, columns: list[str]) -> pd.DataFrame:
    return results.successful_records[columns].drop_duplicates()


def only(one: Results, two: Results) -> dict[str, list[str]]:
    """Return what only `one` has: experiments, and runs of experiments that both have."""
    its, theirs = (set(_distinct(side, IDENTITY).itertuples(index=False, name=None)) for side in (one, two))
    known = {key[:4] for key in theirs}
    experiments = sorted({"/".join(key[:4]) for key in its if key[:4] not in known})
    runs = ["{}/{}/{}/{}/fold{}/seed{}".format(*key) for key in sorted(its - theirs) if key[:4] in known]
    return {"experiments": experiments, "runs": runs}


def text(rows: list[Row], one: Results, two: Results, margin: float) -> Iterator[str]:
    """Yield the lines to print."""
    for data, block in groupby(rows, itemgetter("dataset", "front_end")):
        yield f"{', '.join(data)}\n\n{tabulate(map(_cells, block), HEADERS, disable_numparse=True, colalign=ALIGN)}\n"
    lists = {f"{kind} that only A has": names for kind, names in only(one, two).items()}
    lists |= {f"{kind} that only B has": names for kind, names in only(two, one).items()}
    for word in (*ORIGINS.values(), "settings"):
        others = ("/".join(row[name] for name in EXPERIMENT) for row in rows if word in row["others"])
        lists[f"experiments whose {word} are not the same"] = list(others)
    for title, names in lists.items():
        if names:
            yield f"{title}: {len(names)}"
            yield from (f"  {name}" for name in names[:SHOWN])
            yield from ["  ..."] * (len(names) > SHOWN)
    counts = Counter(row["verdict"] for row in rows)
    words = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
    yield f"experiments that both have: {len(rows)}: {words}; margin of equivalence {number(100 * margin, 1)} points"
    yield "The records agree on all that both have." if agree(rows) else "It is not shown that the records agree."


def _cells(row: Row) -> list[str]:
    mean, low, high = (number(100 * value, 1, sign=True) for value in row["found"][:3])
    difference = "" if row["verdict"] in SAME else f"{mean} ({low} to {high})" if row["found"].folds > 1 else mean
    accuracies = [number(100 * row[name], 1) for name in ("A", "B")]
    return [row["model"], row["protocol"], row["runs"], *accuracies, difference, row["verdict"]]


def agree(rows: list[Row]) -> bool:
    """Return whether every experiment is the same or equivalent."""
    return all(row["verdict"] in (*SAME, EQUIVALENT) for row in rows)


def main(
    a: Annotated[Path, typer.Argument(metavar="DIR_A", help="A folder of records, such as results/demo.")],
    b: Annotated[Path, typer.Argument(metavar="DIR_B", help="Another, such as results/reference.")],
    margin: Annotated[
        float | None, typer.Option(min=0, max=1, help="Margin of equivalence, a fraction (paper/layout.yaml).")
    ] = None,
) -> int:
    one, two = gather(a), gather(b)
    for results in (one, two):
        if results.successful_records.empty:
            raise InputError(f"{results.root}: no record of a finished run in this folder or below it")
        for sentence in records.problems(results.recorded):
            print(f"agree: {results.root}: {sentence}", file=sys.stderr)
    margin = one.layout["margin"] if margin is None else margin
    rows = compare(one, two, margin)
    if not rows:
        raise InputError(f"{a} and {b} have no experiment in common; expected the same data sets, models and protocols")
    print("\n".join([f"A: {a}", f"B: {b}", "", *text(rows, one, two, margin)]))
    return int(not agree(rows))
