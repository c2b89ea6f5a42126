"""What README.md says of the shipped records, phrase by phrase, computed from them."""

from workflow.reporting import models, statistics
from workflow.reporting.results import Results
from workflow.reporting.tables import accuracy, claims, factors, search

PIXELS, FEATURES = ("ucf11", "pixels"), ("ucf11", "efficientnet_lite2")
RIVALS = {"dense": "lstm", "TT": "tt_lstm", "TR": "tr_lstm", "BT": "bt_lstm", "HT": "ht_lstm"}
ALTERNATIVES = {"separately": "separate_lstm", "gate by gate": "per_gate_lstm", "as a tensor train": "fdtt_lstm"}
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


def compared(results: Results, others: dict[str, str]) -> dict[str, dict[str, statistics.Interval]]:
    """FDHT-LSTM minus each of the others on features, by protocol and name."""
    return {
        protocol: {
            name: statistics.compare(results, "test_accuracy", "fdht_lstm", other, *FEATURES, protocol)
            for name, other in others.items()
        }
        for protocol in ("random", "group")
    }


def against(results: Results, others: dict[str, str]) -> list[str]:
    """The differences of `compared`, in points: "`group`: dense −6 [−13, +1], TT +2 [−17, +22]"."""
    return [
        f"`{protocol}`: "
        + ", ".join(f"{name} {interval(one.mean, one.low, one.high, sign='+')}" for name, one in found.items())
        for protocol, found in compared(results, others).items()
    ]


def fewer(results: Results, front_end: str, claim: str) -> str:
    """How many times fewer weights FDHT-LSTM and its variant have than the rivals or the dense LSTM."""
    found = claims.build(results)
    return extent(list(found.loc[(found["claim"] == claim) & (found["front_end"] == front_end), "found"]))


def kept(results: Results, protocol: str) -> str:
    """In how many runs on features FDHT-LSTM kept the largest learning rate."""
    found = search.build(results).set_index(["front_end", "model", "protocol", "value"])
    row = found.loc["efficientnet_lite2", "fdht_lstm", protocol, "0.003"]
    return f"{row['kept']} of {row['n']}"


def phrases(results: Results) -> list[str]:
    """What README.md must contain."""
    return [
        f"{len(results.records):,} runs",
        *table(results),
        factor(results, "protocol", "test_accuracy", "+"),
        "adds " + factor(results, "siblings", "final_epoch_accuracy", ""),
        *against(results, RIVALS),
        *against(results, ALTERNATIVES),
        f"{fewer(results, 'pixels', 'times_fewer')} times fewer weights than its compressed rivals",
        f"{fewer(results, 'pixels', 'times_fewer_dense')} times fewer than the dense LSTM",
        f"{fewer(results, 'efficientnet_lite2', 'times_fewer')} and "
        f"{fewer(results, 'efficientnet_lite2', 'times_fewer_dense')} times",
        f"in {kept(results, 'random')} runs under `random` and {kept(results, 'group')} under `group`",
    ]


def smallest_p(results: Results) -> float:
    """The smallest p value of FDHT-LSTM against rivals and alternatives, before any correction."""
    both = (compared(results, others) for others in (RIVALS, ALTERNATIVES))
    return min(one.p for found in both for protocol in found.values() for one in protocol.values())


def best_under_random(results: Results) -> set[str]:
    """The most accurate model under random on pixels and on features."""
    found = accuracy.build(results)
    found = found[found["protocol"] == "random"].set_index("model")
    return set(found.groupby("front_end")["test_accuracy_mean"].idxmax())
