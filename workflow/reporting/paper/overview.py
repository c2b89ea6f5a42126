"""The article's own small tables: runs, verdicts on claims and reported numbers, accuracies."""

import pandas as pd

from workflow.datasets.protocols import SIBLINGS
from workflow.reporting import models, render
from workflow.reporting.numbers import extent, number
from workflow.reporting.records import ACCURACIES, PARTS
from workflow.reporting.reported import COUNTS, of_abstract
from workflow.reporting.results import ANY_CLASS, BLOCK, PER_CLASS, SAME_CLASS, Results
from workflow.reporting.table import MODEL, Cell, Column, Printed, Row
from workflow.reporting.tables import accuracy, claims, comparison, splits

CLAIMS = {  # claim -> (its text, its range in reported.csv, scale, digits)
    "weights": ("A few thousand weights", "weights", 1, 0),
    "times_fewer": ("Times fewer weights than each compressed rival", "times_fewer", 1, 1),
    "times_fewer_dense": ("Another reading: times fewer weights than the dense LSTM", "times_fewer", 1, 0),
}
SIDES = (("", "Points more than each rival", "gain"), (claims.REACHED, "Points more than the dense LSTM", ""))
CLAIMS |= {
    measure + ending: (f"{text}, {title.removeprefix('Test accuracy, ')}", metric, 100, 1)
    for measure, title in ACCURACIES.items()
    for ending, text, metric in SIDES
}
METRICS = {"accuracy": "Test accuracy (protocol random, epoch as reported)"}  # metric -> what is compared
METRICS |= {name: comparison.TITLES["", name] for name in COUNTS}
COLUMN, PAGE = 3.25, 7.0  # inches, width of one column and of two


def runs(results: Results) -> pd.DataFrame:
    """Return a row per data set, front end and protocol: numbers of models, folds and seeds, and of runs by state."""
    every = pd.concat([results.successful_records, results.excluded]).dropna(subset=["fold"])
    groups, rows = every.groupby(BLOCK), []
    for *data, protocol in results.experiments[BLOCK].drop_duplicates().itertuples(index=False, name=None):
        found = groups.get_group((*data, protocol))
        name = f"{results.data_label(*data)}, {results.label('protocol', protocol)}"
        numbers = (number(found[column].nunique()) for column in ("model", "fold", "seed"))
        rows.append((name, *numbers, _counts(found["status"])))
    return pd.DataFrame(rows, columns=["Data and protocol", "Models", "Folds", "Seeds", "Runs"])


def sizes(results: Results) -> pd.DataFrame:
    """Return a row per data set and protocol: clips and sources of its parts, and test clips with a sibling."""
    wanted = {"n_train": 1, PER_CLASS: 1, "n_validation": 1, "n_test": 1, SAME_CLASS: 100, ANY_CLASS: 100}
    rows = []
    for (dataset, protocol), found in splits.build(results).groupby(["dataset", "protocol"], sort=False):
        means = (
            number(scale * found[name].astype(float).mean(), int(name not in PARTS)) for name, scale in wanted.items()
        )
        place = results.label("dataset", dataset), results.label("protocol", protocol)
        rows.append((", ".join(place), *means))
    heads = ["Training", "Sources per class", "Validation", "Test", "With a sibling (%)", "Of any class (%)"]
    return pd.DataFrame(rows, columns=["Data and protocol", *heads])


def verdicts(results: Results) -> pd.DataFrame:
    """Return a row per claim and front end: range claimed, range found, and the count of each verdict."""
    table, rows = claims.build(results), []
    for name, (text, metric, scale, digits) in CLAIMS.items():
        claimed = extent(scale * pd.Series(of_abstract(results.reported, metric)), 1 if scale > 1 else 0)
        for front_end, found in table[table["claim"] == name].groupby("front_end", sort=False):
            shown = results.label("front_end", front_end)
            rows.append((text, shown, claimed, extent(scale * found["found"], digits), _counts(found["verdict"])))
    return pd.DataFrame(rows, columns=["Claim", "Front end", "Claimed", "Found", "Comparisons"])


def compared(results: Results) -> pd.DataFrame:
    """Return the comparisons with reported numbers, accuracies under the protocol of the papers.

    A count is compared once, though several models may have it.
    """
    table = comparison.build(results)
    table = table[table["reported"].notna() & table["protocol"].isin(["", "random"])]
    again = table.duplicated(["dataset", "front_end", "metric", "reported", "reproduced", "source", "locator"])
    return table[(table["metric"] == "accuracy") | ~again]


def reported(results: Results) -> pd.DataFrame:
    """Return a row per metric: how many comparisons with reported numbers, with derived ones, and each verdict."""
    groups, rows = compared(results).groupby("metric"), []
    for metric in (name for name in METRICS if name in groups.groups):
        found = groups.get_group(metric)
        derived = (found["status"] == "derived").sum()
        rows.append((METRICS[metric], number(len(found)), number(derived), _counts(found["verdict"])))
    return pd.DataFrame(rows, columns=["Metric", "Comparisons", "Derived", "Verdicts"])


def accuracies(results: Results) -> Printed:
    """Return the accuracies of all data sets: a row per model, a block per front end, a column per protocol."""
    table = accuracy.build(results).merge(models.compared(results))
    table = table[table["n"] > 0]
    main = table[~table["protocol"].isin(SIBLINGS)]
    table = table if main.empty else main
    pairs = list(table[["dataset", "protocol"]].drop_duplicates().itertuples(index=False, name=None))
    heads = [f"{results.label('dataset', data)}\n{results.label('protocol', name)}" for data, name in pairs]
    columns = [MODEL, Column("weights", "Weights\nW + U"), *(Column("", head) for head in heads)]
    blocks = []
    for front_end, found in table.groupby("front_end", sort=False):
        rows = []
        for model, own in found.groupby("model", sort=False):
            cells = {(row["dataset"], row["protocol"]): _accuracy(results, row) for row in own.to_dict("records")}
            first = Cell(models.label(results, model)), Cell(extent(own["weights"].astype(float), 0))
            rows.append([*first, *(cells.get(pair, Cell("")) for pair in pairs)])
        blocks.append((results.label("front_end", front_end), rows))
    return Printed("accuracies", "Test accuracy.", columns, blocks, [], width=PAGE)


def _accuracy(results: Results, row: Row) -> Cell:
    measure = results.shown(row["dataset"], row["front_end"], siblings=row["protocol"] in SIBLINGS)
    column = next(column for column in accuracy.COLUMNS if column.key == measure)
    return accuracy.marked_mean(results, row, column)


def of_text(table: pd.DataFrame, width: float = PAGE) -> Printed:
    """Return a table of text for printing, at most `width` inches wide; numbers are right-aligned."""
    numeric = {head: table[head].str.fullmatch(r"[\d.\s—]+").all() for head in table}
    columns = [Column("", head, align="r" if numeric[head] else "l") for head in table]
    rows = [[Cell(text) for text in row] for row in table.itertuples(index=False)]
    return Printed("", "", columns, [("", rows)] if rows else [], [], width=width)


def tables(results: Results) -> dict[str, Printed]:
    """Return every table by name."""
    return {
        "accuracies": accuracies(results),
        "reported": of_text(reported(results), COLUMN),
        "runs": of_text(runs(results)),
        "sizes": of_text(sizes(results)),
        "verdicts": of_text(verdicts(results)),
    }


def to_tex(table: Printed) -> str:
    """Return a table as a LaTeX tabular; a dash if it has no rows."""
    return render.alone(table, []) if table.blocks else "---\n"


def _counts(words: pd.Series) -> str:
    return ", ".join(f"{word}: {number(count)}" for word, count in words.value_counts(sort=False).items())
