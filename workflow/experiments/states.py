"""What the records of runs say of them, beside what the configuration wants of them now."""

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from workflow.experiments.configuration import Configuration
from workflow.experiments.run import Run
from workflow.storage import seal


class State(NamedTuple):
    """name: done, failed, started, left, out of date, damaged or malformed."""

    name: str
    accuracy: str = ""
    reason: str = ""  # of a run that failed


def state(folder: Path, wanted: dict[str, Any]) -> State:
    """The state of the run in `folder`, whose specification should be `wanted`."""
    record = folder / "result.json"
    if not record.is_file():
        return State("started" if (folder / "metrics.jsonl").is_file() else "left")
    try:
        told = json.loads(record.read_bytes().decode())
        if seal.broken(told):
            return State("damaged")
        if outdated(folder, wanted):
            return State("out of date")
        if told["status"] == "ok":
            return State("done", f"{told['test_accuracy']:.1%}")
        return State("failed", reason=told.get("failure") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return State("malformed")


def outdated(folder: Path, wanted: dict[str, Any]) -> bool:
    """Whether the record in `folder` is of another specification than `wanted`; no where it does not say of which."""
    wanted = json.loads(json.dumps(wanted))  # as it reaches a run
    try:
        written = (folder / "specification.yaml").read_bytes().decode()
        # reading YAML takes ten times as long as writing it, and thousands of runs are asked for
        same = written == yaml.safe_dump(wanted, sort_keys=False, allow_unicode=True)
        return not same and yaml.safe_load(written) != wanted
    except FileNotFoundError:
        return False
    except (ValueError, yaml.YAMLError):
        return True


def states(config: Configuration, chosen: list[Run]) -> dict[Run, State]:
    """The state of each run among the results of a completed configuration."""
    folder = Path("results", config.name, "runs")
    return {run: state(folder / run.folder, run.plain) for run in chosen}


def overview(config: Configuration, now: float) -> str:
    """The page of `status`, in which a record that is out of date counts as left."""
    from workflow.commands import status
    from workflow.reporting import records

    root = Path("results", config.name)
    found = status.status(config, root, now)
    stale = [
        run
        for run, name in found.states.items()
        if name in ("done", "failed") and outdated(root / "runs" / run.folder, run.plain)
    ]
    if stale:
        told = found.states | dict.fromkeys(stale, "left")
        left = status.remaining(list(told), told, found.active, records.read(root / "runs"))
        sentence = f"{len(stale)} of those left have a record of other settings, which is out of date"
        found = found._replace(states=told, remaining=left, problems=[*found.problems, sentence])
    return status.text(config.name, found, now)


def listing(found: dict[Run, State]) -> str:
    """A line for each run, and how many there are of each state."""
    lines = [
        f"{name:<11} {accuracy:>6}  {run.folder}" + f": {reason}" * bool(reason)
        for run, (name, accuracy, reason) in found.items()
    ]
    counts = Counter(entry.name for entry in found.values())
    return "\n".join([*lines, f"{len(found)} runs: {', '.join(f'{n} {name}' for name, n in counts.items())}"])
