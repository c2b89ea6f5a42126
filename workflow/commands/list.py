"""List runs with their states: done, running, stalled, interrupted, failed, outdated, damaged or missing."""

from collections import Counter

from tabulate import tabulate

from workflow.commands.selection import Chosen, of_runs
from workflow.experiments.run import Run
from workflow.experiments.states import DONE, STATES, State, states


def listing(found: dict[Run, State]) -> str:
    """Return one line per run, and the number of runs in each state."""
    rows = [[state.name, _accuracy(state), run.folder, state.reason] for run, state in found.items()]
    table = tabulate(rows, headers=["state", "accuracy", "run", ""], colalign=("left", "right"), missingval="")
    counts = Counter(state.name for state in found.values())
    summary = ", ".join(f"{counts[name]} {name}" for name in STATES if counts[name])
    return f"{table}\n\n{len(found)} run{'s' * (len(found) != 1)}: {summary}"


def _accuracy(state: State) -> str | None:
    if state.record is None or state.name != DONE:
        return None
    found = state.record.test_accuracy, state.record.final_epoch_accuracy  # the first is null without a validation part
    return next((f"{accuracy:.1%}" for accuracy in found if accuracy is not None), None)


@of_runs
def main(chosen: Chosen) -> None:
    print(listing(states(chosen.config, chosen.runs)))
