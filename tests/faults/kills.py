"""SIGKILL to random processes of a running pipeline: Snakemake, its shells, the steps, their workers."""

import random
import signal
import subprocess
import time
from collections import Counter

import psutil
from faults.count import Count
from faults.pipeline import Pipeline

LONGEST = 8.0  # seconds to the next kill at most: longer than a start, so that some runs come to their end
PATIENCE = 12.0  # seconds to wait for a process of the kind that is wanted next
STEPS = (
    "training",
    "frames",
    "datasets",
    "reporting",
    "commands",
    "snakemake",
)  # in a command line; the first that fits counts


def kills(pipeline: Pipeline, number: int, deadline: float, chance: random.Random, count: Count) -> None:
    """`number` kills, each at a random moment; the pipeline is started again whenever it has ended."""
    kinds = pipeline.undo_some(chance)
    running, done = pipeline.start(), Counter()
    while done.total() < number and time.monotonic() < deadline:
        wanted = chance.choice(kinds)
        if wanted is None:
            _pause(running, chance.uniform(0.1, LONGEST))
        elif _wait_for(wanted, pipeline, running):
            _pause(running, chance.uniform(0.0, 1.0))
        if running.poll() is None:
            if victim := _kill_one(pipeline.processes(running), wanted, done, chance):
                count.faults[f"kill of {victim}"] += 1
                done[victim] += 1
            continue
        if running.returncode == 0:
            pipeline.compare(0, f"{done.total()} kills", count)
            kinds = pipeline.undo_some(chance)
        running = pipeline.start()
    pipeline.leave_alone(running)
    pipeline.verdict(f"{done.total()} kills", count)


def _pause(running: subprocess.Popen, seconds: float) -> None:
    try:
        running.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return


def _wait_for(wanted: str, pipeline: Pipeline, running: subprocess.Popen) -> bool:
    """Until a process of this kind is at work; it may never come, since that work is done."""
    until = time.monotonic() + PATIENCE
    while running.poll() is None and time.monotonic() < until:
        if any(kind_of(process) == wanted for process in pipeline.processes(running)):
            return True
        _pause(running, 0.05)
    return False


def _kill_one(alive: list[psutil.Process], wanted: str | None, done: Counter, chance: random.Random) -> str | None:
    """Kill one of the wanted kind, or of the kind that was killed least; which kind it was, None if it had ended."""
    by_kind: dict[str, list[psutil.Process]] = {}
    for process in alive:
        if kind := kind_of(process):
            by_kind.setdefault(kind, []).append(process)
    if not by_kind:
        return None
    kind = wanted if wanted in by_kind else min(sorted(by_kind), key=lambda kind: done[kind])
    try:
        chance.choice(by_kind[kind]).send_signal(signal.SIGKILL)
    except psutil.Error:
        return None
    return kind


def kind_of(process: psutil.Process) -> str | None:
    """What a process of the pipeline does; None if it has ended."""
    try:
        name, command = process.name(), " ".join(process.cmdline())
    except psutil.Error:
        return None
    if not command:  # a zombie
        return None
    if name in ("bash", "sh"):
        return "a shell"
    if "multiprocessing" in command:
        return "a decoding worker" if "spawn_main" in command else "another process"
    return next((step for step in STEPS if step in command), "another process")
