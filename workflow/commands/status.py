"""Show how many runs are done, running, failed or missing, and estimate the time left.

States are read from the records, metrics.jsonl and the locks of the runs; nothing is started. A record whose settings
differ from the configuration, or whose clips or splits differ from the prepared data, is outdated: the run will be
trained again. A change of `splits` takes effect only after `download` has drawn the splits again.
"""

import time
from collections import Counter, defaultdict
from datetime import datetime
from statistics import mean

import typer
from tabulate import tabulate

from workflow.experiments import grid
from workflow.experiments.configuration_file import load_own
from workflow.experiments.run import Run
from workflow.experiments.states import DAMAGED, DONE, FAILED, OUTDATED, RUNNING, STALLED, STATES, State, states

ENDED = (DONE, FAILED, DAMAGED)


def remaining(found: dict[Run, State]) -> float | None:
    """Return the seconds of training left: the rest of running runs, and the mean of done runs for each run to come.

    The mean is over runs of the same data set, front end and model, else of the same data set and front end, else over
    all. None if no run is done.
    """
    times: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
    for run, state in found.items():
        if state.record and state.name == DONE:
            for key in _keys(run):
                times[key].append(state.record.train_seconds)
    total = 0.0
    for run, state in found.items():
        if state.name in ENDED:
            continue
        if state.stream and state.stream.seconds_per_epoch is not None:
            total += max(0, _epochs(run) - state.stream.epochs) * state.stream.seconds_per_epoch
        elif known := next((times[key] for key in _keys(run) if key in times), None):
            total += mean(known)
        else:
            return None
    return total


def _keys(run: Run) -> list[tuple[str, ...]]:
    return [(run.dataset, run.front_end, run.model), (run.dataset, run.front_end), ()]


def _epochs(run: Run) -> int:
    """Return the epochs of all candidates of a run."""
    return sum(candidate.epochs for candidate in run.training.candidates)


def text(name: str, found: dict[Run, State], now: float) -> str:
    """Return the text to print."""
    counts = Counter(state.name for state in found.values())
    shown = [state for state in STATES if counts[state]]
    groups: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for run, state in found.items():
        groups[run.dataset, run.front_end, run.model][state.name] += 1
    groups["all", "", ""] = counts
    rows = [[*key, *(group[state] or None for state in shown)] for key, group in groups.items()]
    lines = [f"{name}: {counts[DONE]} of {len(found)} runs done", ""]
    lines += [tabulate(rows, headers=["data set", "front end", "model", *shown], missingval="").rstrip(), ""]
    for run, state in found.items():
        if state.stream:
            progress = f"epoch {state.stream.epochs} of {_epochs(run)}"
            lines.append(f"{state.name}: {run.folder}: {progress}, last epoch {duration(state.stream.silent)} ago")
        elif state.name in (FAILED, DAMAGED):
            lines.append(f"{state.name}: {run.folder}: {state.reason}")
    if counts[OUTDATED]:
        lines.append(f"outdated: {counts[OUTDATED]}, as settings or data have changed; the next start trains again")
    return "\n".join([*lines, expectation(found, now)]) + "\n"


def expectation(found: dict[Run, State], now: float) -> str:
    """Return one sentence about the time left."""
    counts = Counter(state.name for state in found.values())
    if counts.keys() <= set(ENDED):
        return "Nothing is left to run."
    seconds = remaining(found)
    if seconds is None:
        return "Expected end: unknown until the first run or epoch has finished."
    if not (counts[RUNNING] or counts[STALLED]):
        return f"Nothing is running; {duration(seconds)} of training are left."
    parallel = max(1, counts[RUNNING])
    end = datetime.fromtimestamp(now + seconds / parallel)
    at_once = "1 run at a time" if parallel == 1 else f"{parallel} runs at a time, as now"
    return f"Expected end: {end:%Y-%m-%d %H:%M} (in {duration(seconds / parallel)}, {at_once})."


def duration(seconds: float) -> str:
    """Return `seconds` in words."""
    if seconds < 90:
        return f"{max(0, round(seconds))} s"
    minutes = round(seconds / 60)
    amounts = {"d": minutes // 1440, "h": minutes // 60 % 24, "min": minutes % 60 if minutes < 1440 else 0}
    return " ".join(f"{amount} {unit}" for unit, amount in amounts.items() if amount)


def main(context: typer.Context) -> None:
    config = load_own(context.obj)
    now = time.time()
    print(text(config.name, states(config, grid.runs(config), now), now), end="")
