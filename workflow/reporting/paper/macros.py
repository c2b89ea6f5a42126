"""macros.tex: every number in the article's text, as a macro made from the records and the reported numbers."""

from workflow.datasets.catalogue import CATALOGUE
from workflow.datasets.protocols import VALIDATED
from workflow.experiments import states
from workflow.reporting import layout as layouts
from workflow.reporting import models
from workflow.reporting.numbers import MISSING, duration, number
from workflow.reporting.records import DUPLICATE
from workflow.reporting.render import escape_tex, one_line
from workflow.reporting.reported import of_abstract
from workflow.reporting.results import Results
from workflow.reporting.splits import PARTS
from workflow.reporting.statistics import CONFIDENCE
from workflow.reporting.tables import cost

MODULE = "workflow.reporting.paper.macros"
UNKNOWN = "(not available)"
CLAIMED = (("Weights", "weights", 1, 0), ("Fewer", "times_fewer", 1, 0), ("Gain", "gain", 100, 1))  # in the abstract


def values(results: Results) -> dict[str, str]:
    """Return macro name -> plain text. A value that the records lack is "(not available)"."""
    excluded = results.excluded["status"].value_counts()
    table, reported = cost.build(results), results.reported["value"]
    datasets = results.experiments["dataset"].drop_duplicates()
    names = results.experiments["model"].drop_duplicates()
    found = {
        "configurationName": results.config.name if results.config else "a folder of records",
        "recordsFinished": number(len(results.successful_records)),
        "recordsFailed": number(int(excluded.get(states.FAILED, 0))),
        "recordsUnreadable": number(int(excluded.get(states.DAMAGED, 0) + excluded.get(DUPLICATE, 0))),
        "recordsOutdated": number(int(excluded.get(states.OUTDATED, 0))),
        "recordsMissing": number(int(excluded.get(states.MISSING, 0))),
        "dataSets": ", ".join(layouts.dataset_label(results.layout, name) for name in datasets),
        "modelsList": ", ".join(models.label(results, name) for name in names),
        "modelsCount": number(len(names)),
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
    return known | {"partialData": partial(results)}


def partial(results: Results) -> str:
    """Return the data sets that are only partly available, with clips and sources; "" if all are complete."""
    found = []
    for dataset in results.experiments["dataset"].drop_duplicates():
        if results.partial(dataset):
            name = layouts.dataset_label(results.layout, dataset)
            splits = results.leakage[results.leakage["dataset"] == dataset]
            splits = splits[splits["protocol"].isin(VALIDATED)]  # the others leave clips out
            # of one fold; under group no source is in two parts
            clips = splits[PARTS].sum(axis=1).max()
            sources = splits.loc[splits["protocol"] == "group", [f"{part}_sources" for part in PARTS]].sum(axis=1).max()
            known = f" ({number(clips)} of {number(CATALOGUE[dataset].clips)} clips"
            known += f", {number(sources)} sources)" if sources == sources else ")"
            found.append(name + known if len(splits) else name)
    return ", ".join(found)


def to_tex(results: Results) -> str:
    """Return the macros as LaTeX."""
    lines = [f"% {one_line(line)}" for line in results.provenance.lines(MODULE)]
    lines += [f"\\newcommand*{{\\{name}}}{{{escape_tex(text)}}}" for name, text in values(results).items()]
    return "\n".join(lines) + "\n"
