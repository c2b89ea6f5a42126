"""List runs with their states: done, running, stalled, interrupted, failed, outdated, damaged or missing."""

from collections import Counter

from tabulate import tabulate

from workflow.commands.selection import Chosen, of_runs
from workflow.experiments.run import Run
from workflow.experiments.states import DONE, STATES, State, states

ACCURACIES = {  # at the epoch chosen on validation, if there is such a part, and after the last
    "accuracy at\nchosen epoch": "test_accuracy",
    "accuracy at\nlast epoch": "final_epoch_accuracy",
}


def listing(found: dict[Run, State]) -> str:
    """Return one line per run, and the number of runs in each state."""
    rows = [[state.name, *_accuracies(state), run.folder, state.reason] for run, state in found.items()]
    table = tabulate(rows, headers=["state", *ACCURACIES, "run", "reason"], colalign=("left", "right", "right"))
    counts = Counter(state.name for state in found.values())
    summary = ", ".join(f"{counts[name]} {name}" for name in STATES if counts[name])
    return f"{table}\n\n{len(found)} run{'s' * (len(found) != 1)}: {summary}"


def _accuracies(state: State) -> list[str]:
    record = state.record if state.name == DONE else None
    found = [getattr(record, name, None) for name in ACCURACIES.values()]
    return ["" if accuracy is None else f"{accuracy:.1%}" for accuracy in found]


@of_runs
def main(chosen: Chosen) -> None:
    print(listing(states(chosen.config, chosen.runs)))
