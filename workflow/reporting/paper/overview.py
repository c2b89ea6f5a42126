"""The article's own small tables: runs, verdicts on claims and reported numbers, best models."""

import pandas as pd

from workflow.reporting import layout as layouts
from workflow.reporting import models
from workflow.reporting.numbers import MISSING, number, spread
from workflow.reporting.records import ACCURACIES
from workflow.reporting.render import escape_tex
from workflow.reporting.reported import COUNTS, of_abstract
from workflow.reporting.results import ANY_CLASS, BLOCK, PER_CLASS, SAME_CLASS, Results
from workflow.reporting.splits import PARTS
from workflow.reporting.tables import accuracy, claims, comparison, splits

CLAIMS = {  # claim -> (its text, its range in reported.csv, scale, digits)
    "weights": ("A few thousand weights", "weights", 1, 0),
    "times_fewer": ("Times fewer weights than each compressed rival", "times_fewer", 1, 1),
    "times_fewer_dense": ("Times fewer weights than the dense LSTM", "times_fewer", 1, 1),
}
SIDES = (("", "Points more than each rival", "gain"), (claims.REACHED, "Points more than the dense LSTM", ""))
CLAIMS |= {
    measure + ending: (f"{text}, {title.removeprefix('Test accuracy, ')}", metric, 100, 1)
    for measure, title in ACCURACIES.items()
    for ending, text, metric in SIDES
}
METRICS = {"accuracy": "Test accuracy (protocol random, epoch as reported)"}  # metric -> what is compared
LINE = 40  # characters of counts on one line
METRICS |= {name: comparison.TITLES["", name] for name in COUNTS}


def runs(results: Results) -> pd.DataFrame:
    """Return a row per data set, front end and protocol: numbers of models, folds and seeds, and of runs by state."""
    every = pd.concat([results.successful_records.assign(state="finished"), results.excluded]).dropna(subset=["fold"])
    groups, rows = every.groupby(BLOCK), []
    for place in results.experiments[BLOCK].drop_duplicates().itertuples(index=False, name=None):
        found = groups.get_group(place)
        numbers = (number(found[column].nunique()) for column in ("model", "fold", "seed"))
        rows.append((_place(results, *place), *numbers, _counts(found["status"])))
    return pd.DataFrame(rows, columns=["Data and protocol", "Models", "Folds", "Seeds", "Runs"])


def sizes(results: Results) -> pd.DataFrame:
    """Return a row per data set and protocol: clips and sources of its parts, and test clips with a sibling."""
    wanted = {"n_train": 1, PER_CLASS: 1, "n_validation": 1, "n_test": 1, SAME_CLASS: 100, ANY_CLASS: 100}
    rows = []
    for (dataset, protocol), found in splits.build(results).groupby(["dataset", "protocol"], sort=False):
        means = (
            number(scale * found[name].astype(float).mean(), int(name not in PARTS)) for name, scale in wanted.items()
        )
        place = layouts.dataset_label(results.layout, dataset), layouts.protocol_label(results.layout, protocol)
        rows.append((", ".join(place), *means))
    heads = ["Training", "Sources per class", "Validation", "Test", "With a sibling (%)", "Of any class (%)"]
    return pd.DataFrame(rows, columns=["Data and protocol", *heads])


def verdicts(results: Results) -> pd.DataFrame:
    """Return a row per claim and front end: range claimed, range found, and the count of each verdict."""
    table, rows = claims.build(results), []
    for name, (text, metric, scale, digits) in CLAIMS.items():
        claimed = _range(scale * pd.Series(of_abstract(results.reported, metric)), 1 if scale > 1 else 0)
        for front_end, found in table[table["claim"] == name].groupby("front_end", sort=False):
            shown = layouts.front_end_label(results.layout, front_end)
            rows.append((text, shown, claimed, _range(scale * found["found"], digits), _counts(found["verdict"])))
    return pd.DataFrame(rows, columns=["Claim", "Front end", "Claimed", "Found", "Comparisons"])


def reported(results: Results) -> pd.DataFrame:
    """Return a row per metric: how many comparisons with reported numbers there are, and how many got each verdict."""
    table = comparison.build(results)
    known = table[table["reported"].notna() & table["protocol"].isin(["", "random"])]  # as papers report
    found = known.groupby("metric")["verdict"].agg(["size", _counts]).reindex(METRICS).dropna().reset_index()
    found = found.assign(metric=found["metric"].map(METRICS), size=found["size"].map(number))
    return found.set_axis(["Metric", "Comparisons", "Verdicts"], axis=1)


def leaders(results: Results) -> pd.DataFrame:
    """Return a row per data set, front end and protocol: the best recurrent model, FDHT-LSTM, and naive baseline."""
    table, rows = accuracy.build(results), []
    for place, found in table[table["n"] > 0].groupby(BLOCK, sort=False):
        kind = found["model"].map(lambda model: models.kind(results, model))
        groups = (found[kind != "baseline"], found[kind == "fdht"], found[kind == "baseline"])
        rows.append((_place(results, *place), *(_best(results, group) for group in groups)))
    heads = ["Best recurrent model (%)", "Best FDHT-LSTM (%)", "Best naive baseline (%)"]
    return pd.DataFrame(rows, columns=["Data and protocol", *heads])


TABLES = {"runs": runs, "sizes": sizes, "verdicts": verdicts, "reported": reported, "leaders": leaders}


def to_tex(table: pd.DataFrame) -> str:
    """Return a table as a LaTeX tabular; a dash if it has no rows."""
    if table.empty:
        return "---\n"
    text, last = table.map(escape_tex).rename(columns=escape_tex), table.iloc[:, -1].map(len).max()
    align = "l" * (table.shape[1] - 1) + ("l" if last <= LINE else "p{0.24\\linewidth}")
    return text.style.hide(axis="index").to_latex(hrules=True, column_format=f"@{{}}{align}@{{}}")


def _place(results: Results, dataset: str, front_end: str, protocol: str) -> str:
    data = layouts.data_label(results.layout, dataset, front_end)
    return f"{data}, {layouts.protocol_label(results.layout, protocol)}"


def _counts(words: pd.Series) -> str:
    return ", ".join(f"{word}: {number(count)}" for word, count in words.value_counts(sort=False).items())


def _range(values: pd.Series, digits: int) -> str:
    return " to ".join(dict.fromkeys(number(end, digits) for end in (values.min(), values.max())))


def _best(results: Results, rows: pd.DataFrame) -> str:
    if rows.empty:
        return MISSING
    chosen = "test_accuracy" if rows["test_accuracy_mean"].notna().any() else "final_epoch_accuracy"
    best = rows.loc[rows[f"{chosen}_mean"].idxmax()]
    mean = spread(100 * best[f"{chosen}_mean"], 100 * best[f"{chosen}_std"], 1)
    return f"{models.label(results, best['model'])}, {mean}"
