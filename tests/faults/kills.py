"""SIGKILL to random processes of a running pipeline: Snakemake, its shells, the steps, their workers."""

import random
import signal
import subprocess
import time

import psutil
from faults.pipeline import Count, Pipeline

LONGEST = 8.0  # seconds between two kills at most: longer than a start, so that some runs come to their end
KINDS = ("training", "datasets", "reporting", "snakemake")


def kills(pipeline: Pipeline, number: int, deadline: float, chance: random.Random, count: Count) -> None:
    """`number` kills, each at a random moment; the pipeline is started again whenever it has ended."""
    pipeline.undo_some(chance)
    running = pipeline.start()
    done = 0
    while done < number and time.monotonic() < deadline:
        try:
            running.wait(timeout=chance.uniform(0.1, LONGEST))
        except subprocess.TimeoutExpired:
            if kind := _kill_one(pipeline.processes(running), chance):
                count.add(f"kill of {kind}")
                done += 1
            continue
        if running.returncode == 0:
            pipeline.compare(0, f"{done} kills", count)
            pipeline.undo_some(chance)
        running = pipeline.start()
    pipeline.leave_alone(running)
    pipeline.verdict(f"{done} kills", count)


def _kill_one(alive: list[psutil.Process], chance: random.Random) -> str | None:
    """Kill one of them; which kind it was, None if it had ended before."""
    if not alive:
        return None
    victim = chance.choice(alive)
    try:
        name, command = victim.name(), " ".join(victim.cmdline())
        victim.send_signal(signal.SIGKILL)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    if name in ("bash", "sh"):
        return "a shell"
    if "multiprocessing" in command:
        return "a decoding worker"
    return next((kind for kind in KINDS if f"workflow.{kind}" in command or kind in command), "another process")
