"""What README.md says of the shipped records, phrase by phrase, computed from them."""

import pandas as pd

from workflow.reporting import models, statistics
from workflow.reporting.results import Results
from workflow.reporting.tables import accuracy, claims, factors, search

PIXELS, FEATURES = ("ucf11", "pixels"), ("ucf11", "efficientnet_lite2")
RIVALS = {"dense": "lstm", "TT": "tt_lstm", "TR": "tr_lstm", "BT": "bt_lstm", "HT": "ht_lstm"}
ALTERNATIVES = {"separately": "separate_lstm", "gate by gate": "per_gate_lstm", "as a tensor train": "fdtt_lstm"}
WIDER = "_five_rates"  # ends the models that were searched again with larger learning rates
ROWS = {
    "chance": "chance",
    "nearest neighbour, untrained": "nearest_neighbour",
    "linear": "linear",
    "dense LSTM": "lstm",
    "TT-LSTM": "tt_lstm",
    "TR-LSTM": "tr_lstm",
    "BT-LSTM": "bt_lstm",
    "HT-LSTM": "ht_lstm",
    "FDHT-LSTM": "fdht_lstm",
    "FDHT-LSTM, deeper tensorisation": "fdht_lstm_deep",
}


def whole(number: float, sign: str = "") -> str:
    """A number without decimals: "+12", "−3", "0"."""
    text = f"{number:{sign}.0f}"
    return "0" if float(text) == 0 else text.replace("-", "−")


def interval(mean: float, low: float, high: float, sign: str = "") -> str:
    """A fraction with its interval, in percent: "26 [12, 40]"."""
    return "{} [{}, {}]".format(*(whole(100 * one, sign) for one in (mean, low, high)))


def extent(values: list[float]) -> str:
    """The smallest and the largest number: "68 to 73"."""
    return " to ".join(dict.fromkeys(f"{one:,.0f}" for one in (min(values), max(values))))


def table(results: Results) -> list[str]:
    """The rows of the table: weights, accuracy under random and under group, on pixels and on features."""
    lines = []
    for label, model in ROWS.items():
        cells = []
        for data in (PIXELS, FEATURES):
            cells.append(f"{models.recorded_weights(results, *data, model, 'group'):,}")
            for protocol in ("random", "group"):
                found = statistics.summary(results, "test_accuracy", *data, model, protocol)
                cells.append(interval(found.mean, found.low, found.high))
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return lines


def factor(results: Results, name: str, measure: str, sign: str) -> str:
    """The mean difference of a factor on pixels and on features, in points."""
    found = factors.build(results).set_index(["front_end", "factor", "measure"]).sort_index()
    rows = [found.loc[[(front_end, name, measure)]] for _, front_end in (PIXELS, FEATURES)]
    assert [len(row) for row in rows] == [1, 1]
    pixels, features = (interval(*row[["difference", "low", "high"]].iloc[0], sign=sign) for row in rows)
    return f"{pixels} points on pixels and {features} on features"


def compared(results: Results, data: tuple[str, str], other: str, end: str = "") -> list[statistics.Interval]:
    """FDHT-LSTM minus another model under random and group, of the models whose names have this end, if they ran."""
    names = (f"fdht_lstm{end}", f"{other}{end}")
    both = (statistics.compare(results, "test_accuracy", *names, *data, protocol) for protocol in ("random", "group"))
    return [found for found in both if found.folds]


def differences(results: Results) -> list[str]:
    """The rows of the table in docs/results.md: FDHT-LSTM minus each other model, with three and with five rates."""
    lines = []
    for label, other in (RIVALS | ALTERNATIVES).items():
        for rates, end in (("three", ""), ("five", WIDER)):
            pixels, features = (compared(results, data, other, end) for data in (PIXELS, FEATURES))
            cells = [interval(*one[:3], sign="+") for one in [*pixels, *features]]
            if cells:
                lines.append(f"| {label} | {rates} | {' | '.join(cells if pixels else ['', '', *cells])} |")
    return lines


def every_test(results: Results, end: str) -> dict[tuple[str, str, int], statistics.Interval]:
    """All differences with three or with five rates, by front end, other model and protocol (0: random)."""
    others = [(data, other) for data in (PIXELS, FEATURES) for other in (RIVALS | ALTERNATIVES).values()]
    return {
        (data[1], other, place): one
        for data, other in others
        for place, one in enumerate(compared(results, data, other, end))
    }


def means(results: Results, others: dict[str, str], end: str = "") -> list[str]:
    """The smallest and the largest mean difference: on features and on pixels, under random and then under group."""
    phrases = []
    for place in (0, 1):
        ends = []
        for data in (FEATURES, PIXELS):
            found = [both[place].mean for other in others.values() if (both := compared(results, data, other, end))]
            ends.append(
                " to ".join(dict.fromkeys(whole(100 * one, "+") for one in (min(found), max(found)))) if found else ""
            )
        phrases.append(f"{ends[0]} points on features" + f" and {ends[1]} on pixels" * bool(ends[1]))
    return [f"{phrases[0]} under `random`", f"{phrases[1]} under `group`"]


def fewer(results: Results, front_end: str, claim: str) -> str:
    """How many times fewer weights FDHT-LSTM and its variant have than the rivals or the dense LSTM."""
    found = claims.build(results)
    return extent(list(found.loc[(found["claim"] == claim) & (found["front_end"] == front_end), "found"]))


def kept(results: Results, front_end: str, model: str, protocol: str, rate: str) -> str:
    """In how many runs a model kept a learning rate: "20 of 20"."""
    found = search.build(results).set_index(["front_end", "model", "protocol", "value"])
    row = found.loc[front_end, model, protocol, rate]
    return f"{row['kept']} of {row['n']}"


def wider(results: Results) -> pd.DataFrame:
    """What the wider search adds to each model."""
    found = factors.build(results)
    return found[(found["factor"] == "search") & (found["measure"] == "test_accuracy")]


def gained(results: Results, front_end: str, protocol: str) -> str:
    """What the wider search adds to FDHT-LSTM, in points: "−1 [−7, +4]"."""
    found = wider(results).set_index(["front_end", "protocol", "first"])
    return interval(*found.loc[(front_end, protocol, f"fdht_lstm{WIDER}"), ["difference", "low", "high"]], sign="+")


def searched(results: Results) -> list[str]:
    """Whether the search was wide enough."""
    first = [kept(results, data[1], "fdht_lstm", "random", "0.003") for data in (FEATURES, PIXELS)]
    again = [kept(results, data[1], f"fdht_lstm{WIDER}", "random", "0.01") for data in (FEATURES, PIXELS)]
    random, group = ([gained(results, data[1], name) for data in (FEATURES, PIXELS)] for name in ("random", "group"))
    tests = every_test(results, WIDER)
    least = min(tests, key=lambda key: tests[key].p)
    assert least == ("pixels", "bt_lstm", 0)
    corrected = min(statistics.holm([one.p for one in tests.values()]))
    lead = interval(*(-end for end in (tests[least].mean, tests[least].high, tests[least].low)))
    largest = [
        kept(results, "pixels", f"{model}{WIDER}", "group", "0.03") for model in ("tr_lstm", "fdht_lstm", "bt_lstm")
    ]
    return [
        f"in {first[0]} runs on features and {first[1]} on pixels",
        f"it kept 0.01 in {again[0]} and {again[1]}",
        f"changed by {random[0]} points on features and {random[1]} on pixels",
        f"under `group` by {group[0]} and {group[1]}",
        *means(results, RIVALS, WIDER),
        f"{lead} points on pixels under `random`",
        f"p = {tests[least].p:.3f}, and {corrected:.2f} after Holm's correction over {len(tests)} comparisons",
        f"0.0003, in {kept(results, 'pixels', 'lstm', 'random', '0.0003')} runs",
        f"0.03: TR in {largest[0]} runs, FDHT in {largest[1]}, BT in {largest[2]}",
    ]


def phrases(results: Results) -> list[str]:
    """What README.md must contain."""
    return [
        f"{len(results.records):,} runs",
        *table(results),
        factor(results, "protocol", "test_accuracy", "+"),
        "adds " + factor(results, "siblings", "final_epoch_accuracy", ""),
        *means(results, RIVALS),
        *means(results, ALTERNATIVES),
        f"{fewer(results, 'pixels', 'times_fewer')} times fewer weights than its compressed rivals",
        f"{fewer(results, 'pixels', 'times_fewer_dense')} times fewer than the dense LSTM",
        f"{fewer(results, 'efficientnet_lite2', 'times_fewer')} and "
        f"{fewer(results, 'efficientnet_lite2', 'times_fewer_dense')} times",
        *searched(results),
    ]


def smallest_p(results: Results) -> float:
    """The smallest p value of FDHT-LSTM against rivals and alternatives with three rates, before any correction."""
    return min(one.p for one in every_test(results, "").values())


def behind_bt(results: Results, end: str) -> str:
    """BT-LSTM minus the deeper tensorisation on pixels under random, in points."""
    found = statistics.compare(results, "test_accuracy", f"bt_lstm{end}", f"fdht_lstm_deep{end}", *PIXELS, "random")
    return interval(*found[:3])


def best_under_random(results: Results) -> set[str]:
    """The most accurate model under random on pixels and on features."""
    found = accuracy.build(results)
    found = found[found["protocol"] == "random"].set_index("model")
    return set(found.groupby("front_end")["test_accuracy_mean"].idxmax())
