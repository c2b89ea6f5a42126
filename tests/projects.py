"""Copies of the project for tests to run and to change, and a configuration that takes seconds."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import forked
import yaml

TINY = {
    "name": "tiny",
    "datasets": {"demo": {}},
    "frames": {"count": 4, "width": 20, "height": 15},
    "protocols": ["group"],
    "folds": [0],
    "seeds": [0],
    "training": {"epochs": 1, "batch_size": 64},
    "models": {
        "lstm": {"format": "dense", "hidden_size": 8},
        "tt_lstm": {
            "format": "tensor_train",
            "hidden_size": 8,
            "input_modes": [30, 30],
            "output_modes": [2, 4],
            "ranks": 2,
        },
    },
}


@dataclass(frozen=True)
class Project:
    """A checkout of its own, with the environment of the running tests."""

    root: Path

    def snakemake(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake here with two cores; in its `stdout` is stderr, too."""
        run = forked.run("snakemake", ["--cores", "2", *options], self.root)
        run.stdout += run.stderr
        return run

    def reproduce(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `./reproduce tiny WORDS` here."""
        return forked.run("workflow.commands", ["tiny", *words], self.root)

    def planned(self, *options: str, config: str = "config/tiny.yaml") -> set[str]:
        """The jobs of a dry run: names of rules, `train` with the model's."""
        run = self.snakemake(*options, "-n", "--configfile", config)
        assert run.returncode == 0, run.stdout
        models = re.findall(r"^Job \d+: Training (\w+) on", run.stdout, flags=re.MULTILINE)
        _, _, table = run.stdout.partition("Job stats:\n")
        rules = re.findall(r"^(\w+) +\d+$", table.split("\n\n")[0], flags=re.MULTILINE)
        return {*rules, *(f"train {model}" for model in models)} - {"job", "total", "train", "reproduce"}

    @contextmanager
    def restored(self) -> Iterator[Path]:
        """Yield results/tiny, and put it back as it was, times included."""
        results = self.root / "results" / "tiny"
        with tempfile.TemporaryDirectory(prefix="restored-") as aside:
            kept = shutil.copytree(results, Path(aside) / "tiny", symlinks=True)
            try:
                yield results
            finally:
                shutil.rmtree(results)
                shutil.copytree(kept, results, symlinks=True)

    def write_config(self, config: dict, name: str = "tiny") -> None:
        (self.root / "config" / f"{name}.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


def checkout(source: Path, target: Path) -> Path:
    """Copy what git would commit; no environment, no results."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", ":!results"],
        cwd=source,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listing.stdout.split("\0")):
        if (source / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)
    return target
