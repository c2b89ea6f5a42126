"""The introduction of the report: the headline accuracies and what the protocols are; every number is computed."""

import math

import pandas as pd

from workflow.datasets.protocols import SIBLINGS
from workflow.reporting import models, splits, statistics
from workflow.reporting.numbers import MISSING, estimate, extent, number
from workflow.reporting.paper import overview
from workflow.reporting.records import ACCURACIES
from workflow.reporting.results import SAME_CLASS, Results
from workflow.reporting.tables import accuracy

METHOD = (
    "FDHT-LSTM holds all weights of an LSTM, input-to-hidden and hidden-to-hidden, in one hierarchical Tucker network. "
    "The table shows its test accuracy and that of the dense LSTM, with 95 % intervals (Student's t over the means of "
    "the folds, corrected for shared training clips) and the number n of runs. A model is called better or worse only "
    "if a test paired by fold shows it, after Holm's correction over the other models."
)
HEADINGS = ["Data", "Protocol and epoch", "FDHT-LSTM (%)", "LSTM (%)", "FDHT-LSTM is ...", "Random adds\n(points)"]


def headlines(results: Results) -> list[list[str]]:
    """Return a row of HEADINGS per data set and front end with runs of an FDHT-LSTM, under group if there are any."""
    rows = []
    for place in results.experiments[["dataset", "front_end"]].drop_duplicates().itertuples(index=False, name=None):
        measure = results.shown(*place)
        own = [name for name in models.compared_on(results, *place) if models.kind(results, name) == "fdht"]
        found = [(name, protocol) for name in own[:1] for protocol in ("group", "random")]
        found = [experiment for experiment in found if len(results.by_run(measure, *place, *experiment))]
        for model, protocol in found[:1]:
            dense = models.rivals(results, *place, model, "dense")[:1]
            both = (statistics.summary(results, measure, *place, model, name) for name in ("random", "group"))
            values = [_value(results, measure, *place, name, protocol) for name in (model, *dense)]
            row = [
                "\n".join(results.data_label(*place).rsplit(", ", 1)),
                f"{results.label('protocol', protocol)}\n{ACCURACIES[measure].partition(', ')[2]}",
                *[*values, MISSING][:2],
                _against(results, measure, model, *place, protocol),
                estimate(*statistics.difference(*both)[:3], sign=True).replace(" ", "\n", 1),
            ]
            rows.append(row)
    return rows


def _value(results: Results, measure: str, *experiment: str) -> str:
    """Return an experiment's accuracy with its interval, n and weights; a dash without runs."""
    found, weights = statistics.summary(results, measure, *experiment), models.recorded_weights(results, *experiment)
    n = " of ".join(dict.fromkeys([str(found.n), str(statistics.expected(results, *experiment))]))
    return f"{estimate(*found[:3])}\nn = {n}; {number(weights)} weights" if found.n else MISSING


def _against(results: Results, measure: str, own: str, *block: str) -> str:
    """Return how a model compares with every other of its recipe in a block (dataset, front_end, protocol)."""
    recipe, others = models.get(results, own).recipe, models.compared_on(results, *block[:2], protocols=block[2:])
    others = [name for name in others if name != own and models.get(results, name).recipe == recipe]
    pairs = [(name, statistics.compare(results, measure, own, name, *block)) for name in others]
    pairs = [(name, test) for name, test in pairs if not math.isnan(test.p) and models.kind(results, name) != "gru"]
    words: dict[str, list[str]] = {"better than": [], "worse than": [], "not shown to differ from": []}
    better, worse, alike = words.values()
    for (name, test), p in zip(pairs, statistics.holm([test.p for _, test in pairs]), strict=True):
        differing = better if test.mean > 0 else worse
        (differing if p <= results.layout["significance"] else alike).append(models.label(results, name))
    parts = []
    for word, names in ((word, names) for word, names in words.items() if names):
        every = f"{'any' if names is alike else 'each'} of the {len(pairs)} other models"
        parts.append(f"{word} {every if len(names) == len(pairs) > 1 else ', '.join(names)}")
    return "; ".join(parts) or "not tested: one fold or model"


def protocols(results: Results) -> list[str]:
    """Return what each protocol is, with the share of test clips that have a sibling in training."""
    used, found = list(results.experiments["protocol"].drop_duplicates()), []
    for protocol in (name for name in used if name not in SIBLINGS):
        datasets = results.experiments.loc[results.experiments["protocol"] == protocol, "dataset"].drop_duplicates()
        promises = dict.fromkeys(splits.promise(results, name) for name in datasets)
        meaning = accuracy.RANDOM if protocol == "random" else "; ".join(promises)
        shares = [100 * splits.rows(results, name, protocol)[SAME_CLASS].astype(float).mean() for name in datasets]
        ends = extent(pd.Series(shares), 1)
        siblings = f"; test clips with a clip of the same class and source in training: {ends} %" if ends else ""
        label = results.label("protocol", protocol)
        found.append(f"Protocol {label}: {meaning}{siblings}.")
    labels = [results.label("protocol", name) for name in used if name in SIBLINGS]
    return found + ([f"Protocols {', '.join(labels)}: {accuracy.SHARE}, all else equal."] if labels else [])


def remarks(results: Results) -> list[str]:
    """Return the verdicts on reported accuracies, and which data are partial."""
    table = overview.reported(results).set_index("Metric")
    metric, found = overview.METRICS["accuracy"], []
    if metric in table.index:
        row = table.loc[metric]
        found.append(f"{row['Comparisons']} comparisons with reported accuracies (protocol random): {row['Verdicts']}.")
    return found + ([f"Partial data: {results.partial_data}."] if results.partial_data else [])
