"""What a published total holds besides W + U: papers differ, but one source counts all its models alike.

Alike on one front end, that is: the source of most totals prints the same one for the dense LSTM on features of 11 and
of 51 classes, so that no classifier is in it, while its totals on pixels agree with ours only with the classifier.
"""

from workflow.datasets.catalogue import CATALOGUE
from workflow.reporting import counted
from workflow.reporting.results import Results

PLAIN = "W + U alone"
CONVENTIONS = (  # the simplest first: it wins where several fit equally well
    PLAIN,
    "W + U and biases",
    "W + U and both of PyTorch's biases",
    "W + U and the classifier's weights",
    "W + U, biases and the classifier",
)


def totals(results: Results, dataset: str, front_end: str, model: str) -> dict[str, int]:
    """Convention -> total of a model. The classifier is that of the whole data set, as it was published: the records
    may be of a part with fewer classes."""
    found = counted.counts(results, dataset, front_end, model)
    if found is None:
        return {}
    base, bias = found["W"] + found["U"], found["bias"]
    totals = [base, base + bias, base + 2 * bias]
    arguments = counted.arguments_of(results, dataset, front_end, model)
    if arguments and "hidden_size" in arguments and dataset in CATALOGUE:
        classes = len(CATALOGUE[dataset].classes)
        weights = arguments["hidden_size"] * classes
        totals += [base + weights, base + bias + weights + classes]
    return dict(zip(CONVENTIONS, totals, strict=False))


def of_source(results: Results, rows: list[tuple[tuple[str, str, str], dict]]) -> str:
    """The one convention of a source's totals: by which most of them are ours; `rows` are (place, published entry)."""
    counts = [(totals(results, *place), entry) for place, entry in rows]

    def matches(convention: str) -> int:
        known = [(found[convention], entry) for found, entry in counts if convention in found]
        return sum(equal(count, entry) for count, entry in known)

    return max(CONVENTIONS, key=matches)


def equal(count: float, entry: dict) -> bool:
    """Whether a count is the published value as far as that is printed."""
    return abs(count - entry["value"]) <= entry["step"] / 2
