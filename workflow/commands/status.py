"""Show what is done, running, failed and missing, and when the end is expected.

The states come from the records, the streams of metrics and the locks of the runs; nothing is started. A record of
other settings than the configuration's counts as outdated: the run will be trained again.
"""

import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import mean

import typer
from tabulate import tabulate

from workflow.experiments import grid
from workflow.experiments.configuration_file import load_own
from workflow.experiments.run import Run
from workflow.experiments.states import DAMAGED, DONE, FAILED, OUTDATED, STATES, State, states

ENDED = (DONE, FAILED, DAMAGED)


@dataclass(frozen=True)
class Remaining:
    """Seconds of training that are left, None while unknown, and how many runs are being trained at once."""

    seconds: float | None
    parallel: int


def remaining(found: dict[Run, State]) -> Remaining:
    """What running runs lack, plus the mean time of finished runs for each one to come.

    That mean is of the runs with the same data set, front end and model, else with the same data set and front end,
    else of all.
    """
    times: dict[tuple[str, ...], list[float]] = {}
    for run, state in found.items():
        if state.name == DONE and state.record:
            for key in _keys(run):
                times.setdefault(key, []).append(state.record.train_seconds)
    total: float | None = 0.0
    for run, state in found.items():
        stream = state.stream
        if state.name in ENDED or total is None:
            continue
        if stream and stream.seconds_per_epoch is not None:
            total += max(0, run.training.epochs - stream.epochs) * stream.seconds_per_epoch
        else:
            known = next((times[key] for key in _keys(run) if key in times), None)
            total = None if known is None else total + mean(known)
    running = sum(state.name == "running" for state in found.values())
    return Remaining(total, max(1, running))


def _keys(run: Run) -> list[tuple[str, ...]]:
    return [(run.dataset, run.front_end, run.model), (run.dataset, run.front_end), ()]


def text(name: str, found: dict[Run, State], now: float) -> str:
    """The page that is printed."""
    counts = Counter(state.name for state in found.values())
    shown = [state for state in STATES if counts[state]]
    groups: dict[tuple[str, ...], Counter[str]] = {}
    for run, state in found.items():
        groups.setdefault(_keys(run)[0], Counter())[state.name] += 1
    rows = [[*key, *(group[state] or None for state in shown)] for key, group in groups.items()]
    rows.append(["all", "", "", *(counts[state] for state in shown)])
    lines = [f"{name}: {counts[DONE]} of {len(found)} runs done", ""]
    lines += [tabulate(rows, headers=["data set", "front end", "model", *shown], missingval="").rstrip(), ""]
    for run, state in found.items():
        if state.stream:
            progress = f"epoch {state.stream.epochs} of {run.training.epochs}"
            lines.append(f"{state.name}: {run.folder}: {progress}, last epoch {duration(state.stream.silent)} ago")
        elif state.name in (FAILED, DAMAGED):
            lines.append(f"{state.name}: {run.folder}: {state.reason}")
    if counts[OUTDATED]:
        lines.append(f"outdated: {counts[OUTDATED]} runs will be trained again, as the configuration has changed")
    return "\n".join([*lines, expectation(found, now)]) + "\n"


def expectation(found: dict[Run, State], now: float) -> str:
    """One sentence about the end."""
    names = {state.name for state in found.values()}
    if names <= set(ENDED):
        return "Nothing is left to run."
    left = remaining(found)
    if left.seconds is None:
        return "Expected end: unknown until a first run or epoch has ended."
    if not names & {"running", "stalled"}:
        return f"Nothing runs now; {duration(left.seconds)} of training are left."
    seconds = left.seconds / left.parallel
    end = datetime.fromtimestamp(now) + timedelta(seconds=seconds)
    at_once = "1 run at a time" if left.parallel == 1 else f"{left.parallel} runs at a time, as now"
    return f"Expected end: {end:%Y-%m-%d %H:%M} (in {duration(seconds)}, {at_once})."


def duration(seconds: float) -> str:
    """Seconds in words."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{max(0, round(seconds))} s"
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [
        f"{days} d" if days else "",
        f"{hours} h" if hours else "",
        f"{minutes} min" if minutes and not days else "",
    ]
    return " ".join(part for part in parts if part)


def main(context: typer.Context) -> None:
    config = load_own(context.obj.config)
    now = time.time()
    print(text(config.name, states(config, grid.runs(config), now), now), end="")
