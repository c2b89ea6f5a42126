"""macros.tex: every number in the article's text, as a macro made from the records and the published numbers."""

import math

import pandas as pd

from workflow.reporting import layout as layouts
from workflow.reporting import verdict
from workflow.reporting.paper import sentences
from workflow.reporting.render import HOLE, duration, escape_comment, escape_tex, number
from workflow.reporting.results import Results
from workflow.reporting.statistics import CONFIDENCE, FEWEST
from workflow.reporting.tables import claims, comparison, cost, leakage, parameters

MODULE = "workflow.reporting.paper.macros"
UNKNOWN = "(not available)"


def values(results: Results) -> dict[str, str]:
    """Macro name -> plain text; what the records do not give reads (not available)."""
    parts = [_records, _published, _counts, _claims, _verdicts, _protocol, _cost, sentences.values]
    merged: dict[str, str] = {}
    for part in parts:
        merged |= part(results)
    return {name: UNKNOWN if text in ("", HOLE) else text for name, text in merged.items()}


def to_tex(results: Results) -> str:
    """The macros as LaTeX; each ends in \\xspace so that it can stand before a word."""
    lines = [f"% {escape_comment(line)}" for line in results.provenance.lines(MODULE)]
    for name, text in values(results).items():
        lines.append(f"\\newcommand{{\\{name}}}{{{escape_tex(text)}\\xspace}}")
    return "\n".join(lines) + "\n"


def listed(words: list[str]) -> str:
    """Words as a list in a sentence."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def plural(count: str, noun: str) -> str:
    """A number, or two, with what is counted."""
    return f"{count} {noun}" if count == "1" else f"{count} {noun}s"


def span(low: float, high: float, digits: int = 0) -> str:
    """One number, or two with `to` between them where they differ in print."""
    ends = [number(None if math.isnan(end) else end, digits) for end in (low, high)]
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def _records(results: Results) -> dict[str, str]:
    good, layout = results.successful_records, results.layout
    states = results.excluded["state"].value_counts()
    models = [layouts.model_label(layout, name) for name in results.experiments["model"].drop_duplicates()]
    sets = [layouts.dataset_label(layout, name) for name in results.experiments["dataset"].drop_duplicates()]
    return {
        "configurationName": results.config.name if results.config else "a folder of records",
        "recordsGood": number(len(good)),
        "recordsFailed": number(int(states.get("failed", 0))),
        "recordsUnreadable": number(int(states.get("malformed", 0) + states.get("duplicate", 0))),
        "recordsMissing": number(int(states.get("not run", 0))),
        "dataSets": listed(sets),
        "modelsList": listed(models),
        "modelsCount": number(len(models)),
        "foldsCount": plural(span(*_extent(good.groupby(["dataset", "protocol"])["fold"].nunique())), "fold"),
        "seedsCount": plural(span(*_extent(good.groupby(["dataset", "protocol"])["seed"].nunique())), "seed"),
        "provenanceRecords": results.provenance.records,
        "provenanceCommits": results.provenance.commits,
        "provenanceScript": results.provenance.script,
    }


def _extent(found: pd.Series) -> tuple[float, float]:
    return (float(found.min()), float(found.max())) if len(found) else (math.nan, math.nan)


def _published(results: Results) -> dict[str, str]:
    known = {metric: claims.published(results, metric) for metric in claims.RANGES}
    return {
        "claimedWeights": span(known["weights_low"], known["weights_high"]),
        "claimedFewer": span(known["times_fewer_low"], known["times_fewer_high"]),
        "claimedGain": span(100 * known["gain_low"], 100 * known["gain_high"], 1),
        "reportedCount": number(int(results.reported["value"].notna().sum())),
        "reportedUnknown": number(int(results.reported["value"].isna().sum())),
    }


def _counts(results: Results) -> dict[str, str]:
    table = parameters.build(results)
    kinds = table["model"].map(lambda model: layouts.kind(results.layout, model))
    ours, rivals = table[kinds == "fdht"], table[kinds == "compressed"]
    weights, fewer = span(*_extent(ours["weights"].astype(float))), span(*_extent(ours["ratio_weights"]))
    none = "no FDHT-LSTM was run"
    return {
        "fdhtSize": none if ours.empty else f"FDHT-LSTM has {weights} weights",
        "fdhtRatio": none if ours.empty else f"FDHT-LSTM has {fewer} times fewer",
        "fdhtText": "No FDHT-LSTM is among them."
        if ours.empty
        else f"Our FDHT-LSTM has {weights} weights, {_fewer_than_rivals(results)} times fewer than its compressed "
        f"rivals store and {fewer} times fewer than the dense LSTM of its size.",
        "rivalWeights": span(*_extent(rivals["weights"].astype(float))),
        "rivalFewer": span(*_extent(rivals["ratio_weights"]), digits=1),
    }


def _fewer_than_rivals(results: Results) -> str:
    table = claims.build(results)
    return span(*_extent(table.loc[table["claim"] == "times_fewer", "found"].dropna()), digits=1)


def _claims(results: Results) -> dict[str, str]:
    table = claims.build(results)
    names = {"weights": "claimWeights", "times_fewer": "claimFewer", "times_fewer_dense": "claimFewerDense"}
    names |= {"test_accuracy": "claimAccuracy", "best_epoch_accuracy": "claimAccuracyBest"}
    found = {name: table.loc[table["claim"] == claim, "verdict"] for claim, name in names.items()}
    text = {name: claims.overall(list(verdicts)) for name, verdicts in found.items()}
    text["fdhtFewerRivals"] = _fewer_than_rivals(results)
    for name in ("claimAccuracy", "claimAccuracyBest"):
        text[f"{name}Checks"] = number(len(found[name]))
        for word in (claims.HOLDS, claims.FAILS, claims.INCONCLUSIVE):
            text[f"{name}{word.capitalize()}"] = number(int((found[name] == word).sum()))
    return text


def _verdicts(results: Results) -> dict[str, str]:
    table = comparison.build(results)
    nearest = table[(table["protocol"] == "random") & (table["measure"] == "best_epoch_accuracy")]
    counts = table[table["measure"] == ""]
    text = {"accuracyReported": number(int(nearest["reported"].notna().sum()))}
    text["countsReported"] = number(int(counts["reported"].notna().sum()))
    for word in (verdict.MATCH, verdict.BETTER, verdict.WORSE, verdict.INCONCLUSIVE, verdict.NOT_RUN):
        name = "".join(part.capitalize() for part in word.split())
        text[f"accuracy{name}"] = number(int((nearest["verdict"] == word)[nearest["reported"].notna()].sum()))
        if word != verdict.INCONCLUSIVE:  # a count is exact
            text[f"counts{name}"] = number(int((counts["verdict"] == word).sum()))
    return text


def _protocol(results: Results) -> dict[str, str]:
    table = leakage.build(results)
    table = table[(table["measure"] == "test_accuracy") & table["difference"].notna()]
    trained = table[table["model"].map(lambda model: layouts.kind(results.layout, model)) != "baseline"]
    kinds = ("group", "random", "any_class_group", "any_class_random")
    shares = {name: _extent(100 * table[f"sibling_{name}"].dropna()) for name in kinds}
    return {
        "leakageGain": span(*_extent(100 * trained["difference"]), digits=1),
        "siblingRandom": span(*shares["random"], digits=1),
        "siblingGroup": span(*shares["group"], digits=1),
        "siblingAnyRandom": span(*shares["any_class_random"], digits=1),
        "siblingAnyGroup": span(*shares["any_class_group"], digits=1),
        "tolerancePoints": number(100 * results.layout["tolerance"], 1),
        "confidenceLevel": number(100 * CONFIDENCE),
        "significanceLevel": number(results.layout["significance"], 2),
        "fewestRuns": number(FEWEST),
    }


def _cost(results: Results) -> dict[str, str]:
    table = cost.build(results)
    return {
        "trainingTotal": duration(float(table["hours"].sum())),
        "devicesList": listed(sorted(set(table["device"]))),
        "stepsMs": span(*_extent(table["step_ms"].dropna()), digits=2),
    }
