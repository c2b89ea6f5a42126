"""macros.tex: every number in the article's text, as a macro made from the records and the reported numbers."""

from workflow.datasets.catalogue import CATALOGUE
from workflow.datasets.protocols import VALIDATED
from workflow.experiments import states
from workflow.reporting import models
from workflow.reporting.numbers import MISSING, duration, estimate, extent, number
from workflow.reporting.paper import overview
from workflow.reporting.records import DUPLICATE, EXPERIMENT
from workflow.reporting.render import escape_tex, one_line
from workflow.reporting.reported import of_abstract
from workflow.reporting.results import Results
from workflow.reporting.statistics import CONFIDENCE
from workflow.reporting.table import Row
from workflow.reporting.tables import accuracy, claims, cost, factors
from workflow.reporting.verdict import NOT_RUN

MODULE = "workflow.reporting.paper.macros"
UNKNOWN = "(not available)"
CLAIMED = (("Weights", "weights", 1, 0), ("Fewer", "times_fewer", 1, 0), ("Gain", "gain", 100, 1))  # in the abstract


def values(results: Results) -> dict[str, str]:
    """Return macro name -> plain text. A value that the records lack is "(not available)".

    Counts of excluded runs, partial data and citations are "" if there are none: the text then leaves them out.
    """
    excluded = results.excluded["status"].value_counts()
    table, reported = cost.build(results), results.reported["value"]
    finished = results.experiments.merge(results.successful_records[EXPERIMENT].drop_duplicates())
    found = {
        "configurationName": results.config.name if results.config else "a folder of records",
        "recordsFinished": number(len(results.successful_records)),
        "dataSets": ", ".join(results.label("dataset", name) for name in finished["dataset"].unique()),
        "modelsList": ", ".join(models.label(results, name) for name in models.compared(results)["model"].unique()),
        "modelsCount": number(finished["model"].nunique()),
        "reportedCount": number(int(reported.notna().sum())),
        "reportedUnknown": number(int(reported.isna().sum())),
        "marginPoints": number(100 * results.layout["margin"], 1),
        "marginErrors": number(results.layout["margin_errors"], 1).removesuffix(".0"),
        "confidenceLevel": number(100 * CONFIDENCE),
        "significanceLevel": number(results.layout["significance"], 2),
        "trainingTotal": duration(float(table["hours"].sum())),
        "devicesList": ", ".join(sorted(set(table["device"]))),
        "provenanceRecords": results.provenance.records,
        "provenanceCommits": results.provenance.commits,
        "provenanceScript": results.provenance.code,
    }
    for name, metric, scale, digits in CLAIMED:
        for end, value in zip(("Low", "High"), of_abstract(results.reported, metric), strict=True):
            found[f"claimed{name}{end}"] = number(scale * value, digits)
    known = {name: UNKNOWN if text in ("", MISSING) else text for name, text in found.items()}
    states_of = {"Failed": [states.FAILED], "Unreadable": [states.DAMAGED, DUPLICATE]}
    states_of |= {"Outdated": [states.OUTDATED], "Missing": [states.MISSING]}
    counts = {f"records{name}": int(excluded.reindex(own).sum()) for name, own in states_of.items()}
    counted = {name: number(count) if count else "" for name, count in counts.items()}
    keys = [CATALOGUE[name].citation for name in finished["dataset"].unique() if name in CATALOGUE]
    present = {"partialData": results.partial_data, "dataCitations": ",".join(filter(None, keys))}
    return known | counted | present | found_of(results)


def found_of(results: Results) -> dict[str, str]:
    """Return macro name -> what was found about the claims and the reported numbers; "" for what was not checked."""
    table = claims.build(results)
    table = table[~table["verdict"].isin([claims.NONE, NOT_RUN])]
    places = table[["dataset", "front_end"]].itertuples(index=False, name=None)
    shown = table["claim"] == [results.shown(*place) for place in places]
    ranges = {"Weights": table["claim"] == "weights", "Fewer": table["claim"] == "times_fewer"}
    ranges |= {f"Gain{name.capitalize()}": shown & (table["protocol"] == name) for name in VALIDATED}
    found = {}
    for name, rows in ranges.items():
        scale, digits = (100, 1) if name.startswith("Gain") else (1, 0)
        found[f"found{name}"] = extent(scale * table.loc[rows, "found"].astype(float), digits)
    found |= {f"found{name.capitalize()}": differences(results, name) for name in ("protocol", "siblings")}
    cells = [cell for _, block in overview.accuracies(results).blocks for row in block for cell in row]
    meanings = accuracy.MARKS if any(cell.mark for cell in cells) else accuracy.NO_MARKS
    compared = len(overview.compared(results))
    found["marksMeaning"] = meanings.get(results.layout["marks"], "")
    return found | {"reportedCompared": number(compared) if compared else ""}


def differences(results: Results, factor: str) -> str:
    """Return what a factor adds, in points with an interval, on every data set and front end."""
    table = factors.build(results)
    rows = table[(table["factor"] == factor) & (table["folds"] > 0)].to_dict("records")
    measures = {data: results.shown(*data, siblings=factor == "siblings") for data in map(_data, rows)}
    rows = [row for row in rows if row["measure"] == measures[_data(row)]]
    return "; ".join(
        f"{estimate(row['difference'], row['low'], row['high'], sign=True)} on {results.data_label(*_data(row))}"
        for row in rows
    )


def _data(row: Row) -> tuple[str, str]:
    return row["dataset"], row["front_end"]


def to_tex(results: Results) -> str:
    """Return the macros as LaTeX."""
    lines = [f"% {one_line(line)}" for line in results.provenance.lines(MODULE)]
    lines += [f"\\newcommand*{{\\{name}}}{{{escape_tex(text)}}}" for name, text in values(results).items()]
    return "\n".join(lines) + "\n"
