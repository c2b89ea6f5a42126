"""What is done, running, failed and left, and when the end is expected: from records, and locks of who trains.

A run is done or failed where its result.json says so, running where its stream of metrics was written a short while
ago, stalled where that was long ago and no record came, and left where there is nothing. Where the lock beside its
checkpoints tells that nobody is at work on it, it is interrupted if it has a checkpoint to go on from, else left:
a stream without one is of an earlier record.
"""

import argparse
import math
import sys
import time
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from workflow.experiments.configuration import Configuration
from workflow.experiments.grid import runs as grid_of
from workflow.experiments.run import Run
from workflow.reporting import curves, grid, records
from workflow.reporting.files import ReportingError
from workflow.storage.lock import at_work

MODULE = "workflow.commands.status"
STATES = ("done", "running", "stalled", "interrupted", "failed", "unreadable", "left")
QUIET = 300.0  # seconds without a new epoch after which a run counts as stalled, unless its epochs take longer
PATIENCE = 10  # epochs' time that a running run may be silent


class Active(NamedTuple):
    """A run that has begun and has no record yet."""

    epochs: int
    wanted: int
    seconds_per_epoch: float  # NaN before its second epoch
    silent: float  # seconds since its stream was written

    @property
    def stalled(self) -> bool:
        pace = 0.0 if math.isnan(self.seconds_per_epoch) else PATIENCE * self.seconds_per_epoch
        return self.silent > max(QUIET, pace)


class Status(NamedTuple):
    """states: run -> one of STATES; active: run -> Active; remaining: seconds of work, NaN where unknown."""

    states: dict[Run, str]
    active: dict[Run, Active]
    remaining: float
    parallel: int
    problems: list[str]


def status(config: Configuration, root: Path, now: float) -> Status:
    """The state of every run of `config` whose records are below `root`/runs; `now` is time.time()."""
    runs = grid_of(config)
    folder = root / "runs"
    table = records.read(folder) if folder.is_dir() else records.frame([])
    known = {
        tuple(row[:6]): row for row in table[[*records.IDENTITY, "status", "train_seconds"]].itertuples(index=False)
    }
    states, active = {}, {}
    names = {"ok": "done", "failed": "failed", "malformed": "unreadable", "duplicate": "unreadable"}
    for run in runs:
        identity = tuple(run.identity.values())
        if identity in known:
            states[run] = names[known[identity].status]
            continue
        found = look(folder / run.folder / "metrics.jsonl", run.training.epochs, now)
        states[run] = state(found, root / "checkpoints" / run.folder)
        if states[run] != "left":
            active[run] = found
    parallel = max(1, sum(state == "running" for state in states.values()))
    return Status(states, active, remaining(runs, states, active, table), parallel, records.problems(table))


def state(found: Active | None, kept: Path) -> str:
    """Of a run without a record; `kept`: folder of its checkpoints, beside which its lock lies."""
    if found is None:
        return "left"
    if at_work(kept) is False:
        return "interrupted" if kept.is_dir() else "left"
    return "stalled" if found.stalled else "running"


def look(path: Path, wanted: int, now: float) -> Active | None:
    """A run by its stream of metrics; None where there is none."""
    try:
        silent = now - path.stat().st_mtime
    except FileNotFoundError:
        return None
    epochs = curves.read(path)
    seconds = [value for value in curves.column(epochs, "seconds") if not math.isnan(value)]
    pace = sum(seconds) / len(seconds) if seconds else math.nan
    return Active(len(epochs), wanted, pace, silent)


def remaining(runs, states, active, table: pd.DataFrame) -> float:
    """Seconds of work left: the rest of what runs, and for each run to come the mean of finished ones like it.

    Like it means the same data set, front end and model, else data set and front end, else any run. NaN while
    nothing tells.
    """
    done = table[table["status"] == "ok"]
    means = {
        depth: {
            key if depth > 1 else (key,): value for key, value in done.groupby(columns)["train_seconds"].mean().items()
        }
        for depth, columns in ((3, ["dataset", "front_end", "model"]), (2, ["dataset", "front_end"]))
    }
    overall = float(done["train_seconds"].mean()) if len(done) else math.nan
    total = 0.0
    for run in runs:
        if states[run] in ("done", "failed", "unreadable"):
            continue
        found = active.get(run)
        if found is not None and not math.isnan(found.seconds_per_epoch):
            total += max(0, found.wanted - found.epochs) * found.seconds_per_epoch
        else:
            total += means[3].get(
                (run.dataset, run.front_end, run.model), means[2].get((run.dataset, run.front_end), overall)
            )
    return total


def text(name: str, found: Status, now: float) -> str:
    """The page that is printed."""
    counts = Counter(found.states.values())
    shown = [state for state in STATES if counts[state]]
    groups: dict[tuple[str, str], Counter] = defaultdict(Counter)
    for run, state in found.states.items():
        groups[run.dataset, run.front_end, run.model][state] += 1
    rows = [[*key, *(str(group[state] or "") for state in shown)] for key, group in groups.items()]
    rows.insert(0, ["data set", "front end", "model", *shown])
    rows.append(["all", "", "", *(str(counts[state]) for state in shown)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [f"{name}: {counts['done']} of {len(found.states)} runs done"]
    for row in rows:
        cells = [
            cell.ljust(width) if index < 3 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    for run, run_now in found.active.items():
        last = f"last epoch {duration(run_now.silent)} ago"
        lines.append(f"  {found.states[run]}: {run.folder}: epoch {run_now.epochs} of {run_now.wanted}, {last}")
    lines += [f"  {sentence}" for sentence in found.problems]
    lines.append(f"  {expectation(found, now)}")
    return "\n".join(lines) + "\n"


def expectation(found: Status, now: float) -> str:
    """One sentence about the end."""
    states = set(found.states.values())
    if not states & {"running", "stalled", "interrupted", "left"}:
        return "nothing is left to run"
    if math.isnan(found.remaining):
        return "expected end: unknown until a first run or epoch has ended"
    if not states & {"running", "stalled"}:
        return f"nothing runs now; {duration(found.remaining)} of training are left"
    left = found.remaining / found.parallel
    end = datetime.fromtimestamp(now) + timedelta(seconds=left)
    at_once = "1 run at a time" if found.parallel == 1 else f"{found.parallel} runs at a time, as now"
    return f"expected end: {end:%Y-%m-%d %H:%M} (in {duration(left)}, {at_once})"


def duration(seconds: float) -> str:
    """Seconds in words that a person reads."""
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


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--config", required=True, metavar="FILE", help="configuration")
    parser.add_argument("--results", metavar="DIR", help="folder of its results (results/<name of the configuration>)")
    options = parser.parse_args(arguments)
    try:
        config = grid.configuration_of(".", options.config)
        root = Path(options.results or Path("results") / config.name)
        now = time.time()
        sys.stdout.write(text(config.name, status(config, root, now), now))
    except ReportingError as error:
        sys.exit(f"status: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
