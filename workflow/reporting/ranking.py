"""Which row may be bold, and which underlined: only what a paired test tells apart from the rest."""

from workflow.reporting import observations
from workflow.reporting.results import Results
from workflow.reporting.statistics import Paired, holm, overlap, paired


def compare(results: Results, measure: str, first: str, second: str, *block: str) -> Paired:
    """`first` against `second` in a block (dataset, front_end, protocol), over shared folds and seeds.

    Of two models that are fitted without a seed the pairs of a fold are copies: such a pair counts once a fold.
    """
    dataset, front_end, protocol = block
    one = results.by_run(measure, dataset, front_end, first, protocol)
    two = results.by_run(measure, dataset, front_end, second, protocol)
    if all(observations.fitted(results, dataset, front_end, model) for model in (first, second)):
        one, two = observations.per_fold(one), observations.per_fold(two)
    folds = len({fold for fold, _ in one.keys() & two.keys()})
    return paired(one, two, overlap(folds, results.test_share(dataset, protocol)))


def marks(results: Results, measure: str, *block: str) -> dict[str, str]:
    """model -> best or second, for the models of a block that earn it.

    The best is marked where it beats every other model of the block, the second where it beats every model
    below it, at the layout's significance after Holm's correction for all these comparisons.
    """
    means = {}
    for (d, f, model, p), _ in results.by_experiment():
        if (d, f, p) == block and (runs := results.by_run(measure, d, f, model, p)):
            means[model] = sum(runs.values()) / len(runs)
    ranked = sorted(means, key=lambda model: (-means[model], model))
    if len(ranked) < 2:
        return {}
    pairs = [(ranked[0], other) for other in ranked[1:]] + [(ranked[1], other) for other in ranked[2:]]
    tests = [compare(results, measure, one, two, *block) for one, two in pairs]
    passed = [p <= results.layout["significance"] for p in holm([test.p for test in tests])]
    wins = [ok and test.difference > 0 for ok, test in zip(passed, tests, strict=True)]
    best, second = wins[: len(ranked) - 1], wins[len(ranked) - 1 :]
    marked = {ranked[0]: "best"} if all(best) else {}
    if second and all(second):
        marked[ranked[1]] = "second"
    return marked
