"""A copy of the project that runs a tiny configuration again and again, and what its results must be."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from projects import TINY, Project, checkout

ROOT = Path(__file__).resolve().parents[2]
CONFIG = {**TINY, "training": {**TINY["training"], "epochs": 20}, "seeds": [0, 1], "protocols": ["group", "published"]}
SAME = ("status", "test_accuracy", "best_epoch_accuracy", "validation_accuracy", "best_epoch", "epochs", "confusion")
TABLES = ("accuracy", "leakage", "parameters", "holes")
CURES = 3  # times that the advice of a message is followed before a result counts as lost
ADVICE = re.compile(r"(\S+?):? (?:is|cannot|truncated)[^\n]*?remove (\S+?)[,;]? (?:and|or)")


@dataclass
class Count:
    """Faults by kind, and what they cost."""

    faults: dict[str, int] = field(default_factory=dict)
    said: int = 0  # faults after which the pipeline stopped, named the file and told the cure, which then helped
    lost: list[str] = field(default_factory=list)  # results that a plain start did not bring, nor its advice
    wrong: list[str] = field(default_factory=list)  # results that differ from the undisturbed run's
    silent: list[str] = field(default_factory=list)  # of those, the ones under exit code 0

    def add(self, kind: str) -> None:
        self.faults[kind] = self.faults.get(kind, 0) + 1

    @property
    def failed(self) -> bool:
        return bool(self.lost or self.wrong or self.silent)

    def __str__(self) -> str:
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(self.faults.items()))
        costs = f"{len(self.lost)} lost, {len(self.wrong)} wrong, {len(self.silent)} silent"
        return f"{sum(self.faults.values())} faults ({kinds}); {self.said} stopped with a cure that helped: {costs}"


class Pipeline:
    """`expected`: the results of an undisturbed run, made first."""

    def __init__(self, folder: Path):
        self.project = Project(checkout(ROOT, folder))
        self.root, self.log = folder, folder / "reproduce.log"
        (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
        self.project.write_config(CONFIG)
        if code := self.finish():
            sys.exit(f"the undisturbed run ended with exit code {code}:\n{self.said()[-3000:]}")
        self.expected = self.results()

    @property
    def folder(self) -> Path:
        return self.root / "results" / "tiny"

    def start(self, config: str = "config/tiny.yaml") -> subprocess.Popen:
        """Plain ./reproduce, in a process group of its own; what it says goes to `log`."""
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "reproduce", config, "--cores", "2"],
                cwd=self.root,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def finish(self) -> int:
        return self.start().wait(timeout=300)

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
                found[f"{name}/{beside}"] = _content(path.with_name(beside))
            curve = _content(path.with_name("metrics.jsonl"))
            found[f"{name}/metrics.jsonl"] = re.sub(rb'"seconds": [^}]*', b"", curve)
        for table in TABLES:
            found[table] = _content(self.folder / "tables" / f"{table}.csv")
        return found

    def verdict(self, fault: str, count: Count) -> None:
        """One plain start; where it stops with a cure, the cure and another. Then its results are compared."""
        cures = 0
        while (code := self.finish()) and cures < CURES and (advised := self._advice()):
            for path in advised:
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            cures += 1
        count.said += bool(cures and not code)
        self.compare(code, fault, count)

    def compare(self, code: int, fault: str, count: Count) -> None:
        found = self.results()
        for name, content in self.expected.items():
            if name not in found or code:
                count.lost.append(f"{name} after {fault}")
            elif found[name] != content:
                count.wrong.append(f"{name} after {fault}")
                count.silent.append(f"{name} after {fault}")
        if code:
            print(f"--- after {fault}, exit code {code}:\n{self.said()[-2500:]}", flush=True)

    def _advice(self) -> set[Path]:
        """The files that the messages tell to remove, all of them inside this copy."""
        named = {(self.root / found[1]).resolve() for found in ADVICE.findall(self.said())}
        return {path for path in named if path.is_relative_to(self.root.resolve()) and path.exists()}

    def processes(self, running: subprocess.Popen) -> list[psutil.Process]:
        try:
            parent = psutil.Process(running.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def leave_alone(self, running: subprocess.Popen) -> None:
        """Kill Snakemake; what it started lives on."""
        if running.poll() is None:
            os.kill(running.pid, signal.SIGKILL)
            running.wait()

    def undo_some(self, chance) -> None:
        """Take finished work of a random depth away, so that the next start has something to do."""
        depth = chance.choice(["data", "runs", "runs", "tables"])
        victims = {
            "data": [self.folder / "data" / "demo" / chance.choice(["source.json", "frames.json", "splits.json"])],
            "runs": chance.sample(sorted(self.folder.glob("runs/**/result.json")) or [self.folder / "none"], k=1),
            "tables": [],
        }[depth]
        for path in [*victims, self.folder / "tables" / "accuracy.csv", self.folder / "results.csv"]:
            path.unlink(missing_ok=True)


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b"missing"
