"""List runs and the state of each."""

from collections import Counter

import typer
from tabulate import tabulate

from workflow.commands import selection
from workflow.experiments.run import Run
from workflow.experiments.states import DONE, STATES, State, states


def listing(found: dict[Run, State]) -> str:
    """A line for each run, and how many there are of each state."""
    rows = [[state.name, _accuracy(state), run.folder, state.reason] for run, state in found.items()]
    table = tabulate(rows, headers=["state", "accuracy", "run", ""], colalign=("left", "right"), missingval="")
    counts = Counter(state.name for state in found.values())
    summary = ", ".join(f"{counts[name]} {name}" for name in STATES if counts[name])
    return f"{table}\n\n{len(found)} runs: {summary}"


def _accuracy(state: State) -> str | None:
    done = state.name == DONE and state.record and state.record.test_accuracy is not None
    return f"{state.record.test_accuracy:.1%}" if done and state.record else None


def main(
    context: typer.Context,
    where: selection.Where = None,
    dataset: selection.Dataset = None,
    front_end: selection.FrontEnd = None,
    model: selection.Model = None,
    protocol: selection.Protocol = None,
    fold: selection.Fold = None,
    seed: selection.Seed = None,
    changes: selection.Changes = None,
) -> None:
    """List runs and the state of each: done, running, stalled, interrupted, failed, outdated, damaged or missing."""
    axes = selection.axes(where, dataset, front_end, model, protocol, fold, seed)
    chosen = selection.choose(context.obj.config, axes, changes or [])
    print(listing(states(chosen.config, chosen.runs)))
