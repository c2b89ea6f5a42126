"""A copy of the project that runs a tiny configuration again and again, and what its results must be."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
from faults.count import Count
from projects import TINY, Project, checkout

ROOT = Path(__file__).resolve().parents[2]
CONFIG = {**TINY, "training": {**TINY["training"], "epochs": 20}, "seeds": [0, 1], "protocols": ["group", "random"]}
SAME = (
    "status",
    "test_accuracy",
    "final_epoch_accuracy",
    "best_epoch_accuracy",
    "validation_accuracy",
    "best_epoch",
    "epochs",
    "confusion",
)
TABLES = ("accuracy", "leakage", "parameters", "excluded")
KINDS = {"data": [None], "frames": ["frames", "a decoding worker", None], "runs": ["training", None], "tables": [None]}
MADE = ("results", "resources", ".snakemake")
HANGING = 1800  # seconds after which nothing more is to be expected, however busy the machine is
CURES = 3  # times that the advice of a message is followed before a result counts as lost
ADVICE = re.compile(r"\b(?:remove|delete) (it\b|\S+?)(?: and (?!start|rerun)(\S+?))?,? (?:and|or|to)\b", re.IGNORECASE)


class Pipeline:
    """`expected`: the results of an undisturbed run, made first and kept aside to start from."""

    def __init__(self, folder: Path, aside: Path, targets: Sequence[str] = ()):
        self.options = (*targets, "--cores", "2")
        self.project = Project(checkout(ROOT, folder))
        self.root, self.log, self.aside = folder, folder / "reproduce.log", aside
        (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
        self.project.write_config(CONFIG)
        if code := self.finish():
            sys.exit(f"the undisturbed run ended with exit code {code}:\n{self.said()[-3000:]}")
        self.expected = self.results()
        for made in MADE:
            shutil.copytree(folder / made, aside / made, symlinks=True)

    @property
    def folder(self) -> Path:
        return self.root / "results" / "tiny"

    def start(self, *rest: str) -> subprocess.Popen:
        """./reproduce, in a process group of its own; what it says goes to `log`."""
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "reproduce", "config/tiny.yaml", *(rest or self.options)],
                cwd=self.root,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def finish(self, *rest: str) -> int:
        return self.start(*rest).wait(timeout=HANGING)

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def results(self) -> dict[str, bytes]:
        """What must be the same however often a run was disturbed."""
        found = {}
        for path in sorted(self.folder.glob("runs/**/result.json")):
            name = path.parent.relative_to(self.folder).as_posix()
            try:
                record = json.loads(path.read_text())
                found[f"{name}/result.json"] = json.dumps({key: record[key] for key in SAME}).encode()
            except (ValueError, KeyError):
                found[f"{name}/result.json"] = path.read_bytes()
            for beside in ("predictions.csv", "model.safetensors"):
                found |= _content(f"{name}/{beside}", path.with_name(beside))
            for curve in _content(f"{name}/metrics.jsonl", path.with_name("metrics.jsonl")).items():
                found[curve[0]] = re.sub(rb'"step_ms": [^}]*', b"", curve[1])
        for table in TABLES:
            found |= _content(table, self.folder / "tables" / f"{table}.csv")
        return found

    def verdict(self, fault: str, count: Count) -> None:
        """A plain start, and one more after each remedy that is followed; if a result still differs, `verify`.

        Then the results are compared.
        """
        cures = 0
        while cures < CURES:
            code = self.finish()
            if not code and self.results() != self.expected:
                self.finish("verify")  # the weights, which no start looks at
            elif not code:
                break
            if not (advised := self._advice()):
                break
            for path in advised:
                path.unlink()
            cures += 1
        count.cured += bool(cures and not code)
        self.compare(code, fault, count)

    def compare(self, code: int, fault: str, count: Count) -> None:
        """Count what differs and what still runs; then the undisturbed results are put back, for the next fault."""
        _, left = psutil.wait_procs(self._strays(), timeout=HANGING)
        for process in left:
            count.silent.append(f"still at work after {fault}: {' '.join(process.cmdline())}")
            process.kill()
        if count.compare(self.expected, self.results(), code, fault):
            return
        print(f"--- after {fault}, exit code {code}:\n{self.said()[-2500:]}", flush=True)
        for made in MADE:
            shutil.rmtree(self.root / made)
            shutil.copytree(self.aside / made, self.root / made, symlinks=True)

    def _advice(self) -> set[Path]:
        """The files that the messages say to delete, all of them inside this copy."""
        named = set()
        for line in self.said().splitlines():
            for first, second in ADVICE.findall(line):
                words = [second, *([word.strip(":;,") for word in line.split()] if first == "it" else [first])]
                found = [path for path in (self.root / word for word in words if word) if path.is_file()]
                named |= set(found[:1] if first == "it" else found)
        return {path for path in named if path.resolve().is_relative_to(self.root.resolve())}

    def processes(self, running: subprocess.Popen) -> list[psutil.Process]:
        try:
            parent = psutil.Process(running.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _strays(self) -> list[psutil.Process]:
        """Processes of this copy that nobody waits for; a step whose Snakemake was killed may finish."""
        found = []
        for process in psutil.process_iter():
            try:
                if Path(process.cwd()).is_relative_to(self.root):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def leave_alone(self, running: subprocess.Popen) -> None:
        """Kill Snakemake; what it started lives on."""
        if running.poll() is None:
            os.kill(running.pid, signal.SIGKILL)
            running.wait()

    def undo_some(self, chance) -> list[str | None]:
        """Take finished work of a random depth away, so that the next start has something to do.

        Return the kinds of processes that will do it; None: any.
        """
        data = self.folder / "data" / "demo"
        depth = chance.choice(list(KINDS))
        victims = {
            "data": [data / chance.choice(["source.json", "inventory.json", "frames.json", "splits.json"])],
            "frames": [data / "frames.json"],
            "runs": chance.sample(sorted(self.folder.glob("runs/**/result.json")) or [self.folder / "none"], k=1),
            "tables": [],
        }[depth]
        for path in [*victims, self.folder / chance.choice(["tables/accuracy.csv", "results.csv"])]:
            path.unlink(missing_ok=True)
        return KINDS[depth]


def _content(name: str, path: Path) -> dict[str, bytes]:
    return {name: path.read_bytes()} if path.is_file() else {}
