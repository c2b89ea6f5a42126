"""Faults on a running pipeline, many of them, and a count of what they cost.

    python tests/faults/inject.py --kills 100 --seconds 1200

A copy of the project runs the tiny configuration while this program kills random processes of it (Snakemake,
training, decoding) with SIGKILL, fills its disk, takes away the right to write, truncates and flips bits in its
intermediate files. After each fault plain `./reproduce` is started again. In the end its results must equal those
of an undisturbed run. Printed and checked: results lost, wrong, and wrong without a word.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from projects import TINY, Project, checkout  # noqa: E402

CONFIG = {
    **TINY,
    "training": {**TINY["training"], "epochs": 60},
    "seeds": [0, 1],
}


@dataclass
class Count:
    """Faults by kind, and what they cost."""

    faults: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)  # results that a plain restart did not bring
    wrong: list[str] = field(default_factory=list)  # results that differ from the undisturbed run's
    silent: list[str] = field(default_factory=list)  # differences under an exit code of 0

    def add(self, kind: str) -> None:
        self.faults[kind] = self.faults.get(kind, 0) + 1

    def __str__(self) -> str:
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(self.faults.items()))
        return (
            f"{sum(self.faults.values())} faults ({kinds}): "
            f"{len(self.lost)} lost, {len(self.wrong)} wrong, {len(self.silent)} silent"
        )


def results(project: Project) -> dict[str, bytes]:
    """What must be the same however often a run was disturbed: accuracies, predictions, the table."""
    folder = project.root / "results" / "tiny"
    found = {}
    for path in sorted(folder.glob("runs/**/result.json")):
        record = json.loads(path.read_text())
        kept = {key: record[key] for key in ("status", "test_accuracy", "best_epoch_accuracy", "best_epoch", "epochs")}
        name = path.parent.relative_to(folder).as_posix()
        found[name] = json.dumps(kept).encode() + (path.parent / "predictions.csv").read_bytes()
    table = folder / "tables" / "accuracy.csv"
    if table.is_file():
        found["accuracy.csv"] = table.read_bytes()
    return found


def start(project: Project) -> subprocess.Popen:
    """Plain ./reproduce, in a process group of its own."""
    log = (project.root / "reproduce.log").open("ab")
    return subprocess.Popen(
        [sys.executable, "reproduce", "config/tiny.yaml", "--cores", "2"],
        cwd=project.root,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def finish(project: Project) -> int:
    return start(project).wait(timeout=600)


def processes(running: subprocess.Popen) -> list[psutil.Process]:
    try:
        parent = psutil.Process(running.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill_one(running: subprocess.Popen, chance: random.Random) -> str | None:
    """SIGKILL a random process of the pipeline; which kind it was."""
    alive = processes(running)
    if not alive:
        return None
    victim = chance.choice(alive)
    try:
        command = " ".join(victim.cmdline())
        victim.send_signal(signal.SIGKILL)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    for name in ("workflow.training", "workflow.datasets", "workflow.reporting", "snakemake"):
        if name in command:
            return f"kill of {name.removeprefix('workflow.')}"
    return "kill of a shell"


def damage(project: Project, chance: random.Random) -> str | None:
    """Truncate, or flip a bit of, a random intermediate or final file, as a failing disk would."""
    folder = project.root / "results" / "tiny"
    kinds = ("data/*/frames.npy", "data/*/clips.csv", "data/*/splits.csv", "runs/**/result.json")
    files = [path for kind in kinds for path in sorted(folder.glob(kind)) if path.stat().st_size]
    files += [path for path in folder.glob("checkpoints/**/*") if path.is_file() and path.stat().st_size]
    if not files:
        return None
    victim = chance.choice(files)
    content = bytearray(victim.read_bytes())
    if chance.random() < 0.5:
        victim.write_bytes(content[: len(content) // 2])
        return f"truncated {victim.suffix}"
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    victim.write_bytes(content)
    return f"bit flipped in {victim.suffix}"


def redo_something(project: Project, chance: random.Random) -> None:
    """Take a finished result away, so that there is work to disturb."""
    finished = sorted((project.root / "results" / "tiny" / "runs").rglob("result.json"))
    for path in chance.sample(finished, k=min(2, len(finished))):
        path.unlink()


def kills(project: Project, number: int, deadline: float, chance: random.Random, count: Count) -> None:
    """`number` kills at random moments, restarting after each end."""
    running = start(project)
    done = 0
    while done < number and time.monotonic() < deadline:
        try:
            running.wait(timeout=chance.uniform(0.2, 6.0))
        except subprocess.TimeoutExpired:
            if kind := kill_one(running, chance):
                count.add(kind)
                done += 1
            continue
        if running.returncode == 0:
            redo_something(project, chance)
        running = start(project)
    for process in processes(running):
        process.send_signal(signal.SIGKILL)
    running.wait()


def verdict(project: Project, expected: dict[str, bytes], fault: str, count: Count) -> None:
    """One plain start, then compare."""
    code = finish(project)
    found = results(project)
    for name in expected:
        if name not in found:
            count.lost.append(f"{name} after {fault}")
        elif found[name] != expected[name]:
            count.wrong.append(f"{name} after {fault}")
            if code == 0:
                count.silent.append(f"{name} after {fault}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--damages", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=1200, help="no new fault after this many seconds")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    deadline = time.monotonic() + options.seconds
    count = Count()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        project = Project(checkout(ROOT, Path(folder)))
        (project.root / ".venv").symlink_to(Path(sys.executable).parents[1])
        project.write_config(CONFIG)
        if code := finish(project):
            print((project.root / "reproduce.log").read_text()[-3000:])
            return code
        expected = results(project)
        redo_something(project, chance)
        kills(project, options.kills, deadline, chance, count)
        verdict(project, expected, "kills", count)
        for _ in range(options.damages):
            if time.monotonic() < deadline and (kind := damage(project, chance)):
                count.add(kind)
                verdict(project, expected, kind, count)
    for line in [*count.lost, *count.wrong]:
        print(line)
    print(count)
    return int(bool(count.lost or count.wrong or count.silent))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
