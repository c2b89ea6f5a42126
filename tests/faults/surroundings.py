"""What can be wrong around a pipeline: a full disk, a folder that may not be written, another pipeline, the clock."""

import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faults.count import Count
from faults.pipeline import CONFIG, HANGING, Pipeline

DAY = 86_400
FULL = r"No space left|MB needed, \S+ MB free|The disk of .* is full"  # one of these must be said


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A file system of its own on `folder`; OSError where this user may not mount one."""
    _mount("-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def full_disk(pipeline: Pipeline, chance: random.Random, count: Count) -> None:
    """A disk with next to no space left; then there is space again. The pipeline lies on a disk of its own."""
    pipeline.undo_some(chance)
    free = os.statvfs(pipeline.root)
    left = chance.choice([0, 10, 100, 1000, 3000]) * 1024
    junk = pipeline.root / "junk"
    with junk.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, free.f_bavail * free.f_frsize - left))
    count.faults["full disk"] += 1
    code, told = (
        pipeline.finish(),
        re.search(FULL, pipeline.said()),
    )
    junk.unlink()
    if code and not told:
        count.silent.append(f"nothing about the full disk ({left} bytes left) in\n{pipeline.said()[-1500:]}")
    pipeline.verdict(f"a full disk ({left} bytes left)", count)


def read_only(pipeline: Pipeline, chance: random.Random, count: Count) -> None:
    """results/ may not be written; then it may."""
    pipeline.undo_some(chance)
    results = str(pipeline.root / "results")
    _mount("--bind", results, results)
    try:
        _mount("-o", "remount,ro,bind", results)
        count.faults["read-only results"] += 1
        code = pipeline.finish()
    finally:
        subprocess.run(["umount", results], check=True)
    if not code or not re.search(r"results\S*: Read-only file system", pipeline.said()):
        count.silent.append(f"nothing about the read-only folder (exit code {code}) in\n{pipeline.said()[-1500:]}")
    pipeline.verdict("a read-only folder", count)


def two_at_once(pipeline: Pipeline, chance: random.Random, count: Count) -> None:
    """The same pipeline twice, and another configuration that shares the downloads."""
    pipeline.undo_some(chance)
    (pipeline.root / "resources" / "demo" / "demo.zip").unlink()
    pipeline.project.write_config({**CONFIG, "name": "other"}, "other")
    count.faults["second pipeline"] += 1
    lock = pipeline.root / "results" / ".tiny.lock"
    lock.write_text("")
    running = pipeline.start()
    while running.poll() is None and not lock.stat().st_size:  # who holds it writes into it
        time.sleep(0.01)
    second = subprocess.run(
        [sys.executable, "reproduce", "config/tiny.yaml"], cwd=pipeline.root, capture_output=True, text=True
    )
    if running.poll() is None and (second.returncode == 0 or "another ./reproduce is running" not in second.stderr):
        count.silent.append(f"a second pipeline was not refused: {second.stderr}")
    log = pipeline.log.with_name("other.log")
    with log.open("wb") as out:
        other = subprocess.Popen(
            [sys.executable, "reproduce", "config/other.yaml", "--cores", "2", "trained"],
            cwd=pipeline.root,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    for process in (running, other):
        process.wait(timeout=HANGING)
    pipeline.verdict("a second pipeline", count)
    again = subprocess.run([*other.args], cwd=pipeline.root, capture_output=True, text=True)
    if again.returncode:
        count.lost.append(f"the other configuration: {again.stdout[-1500:]}{again.stderr[-1500:]}")


def clock_set_back(pipeline: Pipeline, chance: random.Random, count: Count) -> None:
    """Everything made so far, or a random half of it, lies a day in the future."""
    share = chance.choice([0.5, 1.0])
    for folder in ("results", "resources", "workflow", "baselines", "fdht"):
        for path in sorted((pipeline.root / folder).rglob("*")):
            if path.is_file() and chance.random() < share:
                os.utime(path, (time.time() + DAY, time.time() + DAY))
    count.faults["clock set back"] += 1
    pipeline.undo_some(chance)
    code = pipeline.finish()
    advice = re.search(r"one time: (find .+)", pipeline.said())
    if not code or not advice:
        count.silent.append(f"nothing about files from the future (exit code {code}) in\n{pipeline.said()[-1500:]}")
    else:
        subprocess.run(advice[1], cwd=pipeline.root, shell=True, check=True)
    pipeline.verdict("the clock was set back", count)
    pipeline.finish()
    if "Nothing to be done" not in pipeline.said():
        count.wrong.append(f"after the clock was set back there is always something to do:\n{pipeline.said()[-1500:]}")


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise OSError(done.stderr.strip())
