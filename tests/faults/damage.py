"""Files cut short, and bits that flip, as a failing disk does it: with a new time of change and with the old one."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import yaml
from faults.count import Count
from faults.pipeline import Pipeline

FILES = {
    "archive": "resources/demo/demo.zip",
    "clip": "resources/demo/unpacked/**/*.avi",
    "configuration": "results/tiny/config.yaml",
    "source.json": "results/tiny/data/demo/source.json",
    "listing.csv": "results/tiny/data/demo/listing.csv",
    "inventory.json": "results/tiny/data/demo/inventory.json",
    "frames.npy": "results/tiny/data/demo/frames.npy",
    "clips.csv": "results/tiny/data/demo/clips.csv",
    "frames.json": "results/tiny/data/demo/frames.json",
    "splits.csv": "results/tiny/data/demo/splits.csv",
    "splits.json": "results/tiny/data/demo/splits.json",
    "leakage.csv": "results/tiny/data/demo/leakage.csv",
    "experiment.json": "results/tiny/runs/**/experiment.json",
    "result.json": "results/tiny/runs/**/result.json",
    "predictions.csv": "results/tiny/runs/**/predictions.csv",
    "metrics.jsonl": "results/tiny/runs/**/metrics.jsonl",
    "specification.yaml": "results/tiny/runs/**/specification.yaml",
    "environment.json": "results/tiny/runs/**/environment.json",
    "model.safetensors": "results/tiny/runs/**/model.safetensors",
    "results.csv": "results/tiny/results.csv",
    "checkpoint": "results/tiny/checkpoints/**/*.safetensors",
    "Snakemake's notes": "results/tiny/.snakemake/*",
}


def damage(pipeline: Pipeline, kind: str, chance: random.Random, count: Count) -> None:
    """One damage to one file of a kind; a part of what depends on it is then made again."""
    if kind == "checkpoint":
        _interrupt(pipeline, chance)
    elif chance.random() < 0.7:
        pipeline.undo_some(chance)
    victims = sorted(path for path in pipeline.root.glob(FILES[kind]) if path.is_file() and path.stat().st_size)
    if not victims:
        count.idle[kind] += 1
        pipeline.finish()
        return
    victim = chance.choice(victims)
    fault = f"{_spoil(victim, chance)} {kind}"
    count.faults[fault] += 1
    pipeline.verdict(f"{fault} ({victim.relative_to(pipeline.root)})", count)


def _spoil(path: Path, chance: random.Random) -> str:
    """Cut the file, or flip a bit of it; half of the times it keeps its time of change."""
    stat, content = path.stat(), bytearray(path.read_bytes())
    if chance.random() < 0.5:
        content, what = content[: chance.randrange(len(content))], "truncated"
    else:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        what = "bit flipped in"
    path.write_bytes(content)
    if chance.random() < 0.5:
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    return what


def _interrupt(pipeline: Pipeline, chance: random.Random) -> None:
    """Leave a run in the middle, with a checkpoint."""
    run = chance.choice(sorted(pipeline.folder.glob("runs/**/specification.yaml"))).parent
    name = run.relative_to(pipeline.folder / "runs")
    specification = yaml.safe_load((run / "specification.yaml").read_text())
    shutil.rmtree(run)
    given = {"specification": json.dumps(specification), "fold": specification["fold"], "seed": specification["seed"]}
    given |= {"data": pipeline.folder / "data" / name.parts[0], "results": pipeline.folder}
    words = [word for option, value in given.items() for word in (f"--{option}", str(value))]
    program = [sys.executable, "tests/faults/leave.py"]
    left = subprocess.run([*program, *words], cwd=pipeline.root, capture_output=True, text=True)
    if left.returncode != 128 + signal.SIGTERM:
        raise RuntimeError(f"the run that signalled itself ended with exit code {left.returncode}:\n{left.stderr}")
