"""Sentences of the article that exist once per data set and front end, put together from the records."""

from workflow.reporting import habit
from workflow.reporting import layout as layouts
from workflow.reporting.drawing import panels
from workflow.reporting.ranking import marks
from workflow.reporting.render import deviation, number
from workflow.reporting.results import Results
from workflow.reporting.tables import accuracy, factors, parts

TRAINED = ("dense", "compressed", "fdht")


def values(results: Results) -> dict[str, str]:
    """resultsText: the best recurrent model of every block; baselinesText: the best baseline beside it; factorsText:
    what the accuracy depends on; habitText: what is left between our runs and those of the published codes."""
    best, baselines = [], []
    table = accuracy.build(results)
    table = table[table["n"] > 0]
    for dataset, front_end in dict.fromkeys(experiment[:2] for experiment in panels.experiments(results)):
        here = table[(table["dataset"] == dataset) & (table["front_end"] == front_end)]
        setting = layouts.setting_label(results.layout, dataset, front_end)
        for protocol, rows in here.groupby("protocol", sort=False):
            best += _result(results, rows, setting, (dataset, front_end, protocol))
            baselines += _baseline(results, rows, setting, protocol)
    sets = list(results.experiments["dataset"].drop_duplicates())
    nothing = "There is no finished run yet."
    return {
        "resultsText": " ".join(best) or nothing,
        "baselinesText": " ".join(baselines),
        "factorsText": _factors(results),
        "habitText": " ".join(habit.deviations(results, sets)),
        "sourcesText": parts.sources_text(results, sets),
        "sizesText": parts.sizes_text(results, sets),
        "sizesTimes": _times(results, sets),
    }


def _times(results: Results, datasets: list[str]) -> str:
    """How many times as many clips published trains on as group, over the data sets."""
    known = [value for dataset in datasets if (value := parts.ratio(results, dataset)) == value]
    if not known:
        return "an unknown number of"
    if all(map(parts.alike, known)):
        return "about as many"
    ends = [number(end, 1) for end in (min(known), max(known))]
    return f"{' to '.join(dict.fromkeys(ends))} times as many"


def _factors(results: Results) -> str:
    """What the accuracy depends on, where formats were run with both starts and recipes; else what is missing."""
    table = factors.build(results)
    table = table[table["measure"] == "test_accuracy"]
    if table.empty:
        return f"No format was run with both starts, so that {factors.RECIPE} and format cannot be told apart."
    said = []
    for (dataset, front_end), rows in table.groupby(["dataset", "front_end"], sort=False):
        setting = layouts.setting_label(results.layout, dataset, front_end)
        shares = _shares(rows.set_index("factor")["share"])
        equal = _shares(rows.set_index("factor")["share_equal_epochs"])
        said.append(
            f"{setting}: of the variance of the accuracies, {shares}; with every run cut to its first "
            f"{rows['equal_epochs'].iloc[0]} epochs, {equal}."
        )
    return " ".join(said)


def _shares(shares) -> str:
    return ", ".join(f"{number(100 * shares[name], 1)} % by the {name}" for name in factors.AXES)


def _result(results: Results, rows, setting: str, block: tuple[str, str, str]) -> list[str]:
    best = _best(results, rows, TRAINED)
    if best is None:
        return []
    marked = marks(results, "test_accuracy", *block).get(best.model) == "best"
    said = "better than every other row" if marked else "not set apart from every other row by the paired tests"
    name = layouts.model_label(results.layout, best.model)
    text = f"{setting}, protocol {block[2]}: {name} is highest with {_share(best)} %, {said}"
    ours = _best(results, rows, ("fdht",))
    if ours is not None and ours.model != best.model:
        text += f"; {layouts.model_label(results.layout, ours.model)} reaches {_share(ours)} %"
    return [f"{text}."]


def _baseline(results: Results, rows, setting: str, protocol: str) -> list[str]:
    first, ours = _best(results, rows, ("baseline",)), _best(results, rows, TRAINED)
    if first is None or ours is None:
        return []
    gap = 100 * (ours.test_accuracy_mean - first.test_accuracy_mean)
    name = layouts.model_label(results.layout, first.model).lower()
    return [
        f"{setting}, protocol {protocol}: the best baseline, {name}, reaches {_share(first)} %, "
        f"{number(abs(gap), 1)} points {'below' if gap >= 0 else 'above'} the best recurrent model."
    ]


def _best(results: Results, rows, kinds: tuple[str, ...]):
    fitting = [row for row in rows.itertuples() if layouts.kind(results.layout, row.model) in kinds]
    return max(fitting, key=lambda row: row.test_accuracy_mean, default=None)


def _share(row) -> str:
    spread = deviation(100 * row.test_accuracy_std, 1)
    return number(100 * row.test_accuracy_mean, 1) + (f" ± {spread}" if spread else "")
