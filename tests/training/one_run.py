"""One run on tiny data, in folders of its own, and what it left. Also a program:

python tests/training/one_run.py --specification JSON --data DIR --output DIR --checkpoint DIR
"""

import csv
import json
import sys
from pathlib import Path
from typing import Annotated

from typer import Option

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from workflow.experiments import experiment, run
from workflow.storage.command_line import command_line
from workflow.training import data as clips
from workflow.training.experiment import train
from workflow.training.job import Job

FILES = {
    "result.json",
    "metrics.jsonl",
    "specification.yaml",
    "environment.json",
    "predictions.csv",
    "model.safetensors",
}


def main(
    specification: Annotated[str, Option()],
    data: Annotated[Path, Option()],
    output: Annotated[Path, Option()],
    checkpoint: Annotated[Path, Option()],
    checkpoint_seconds: float = 30.0,
) -> None:
    """Train the fold and the seed of a specification."""
    plain = json.loads(specification)
    (one,) = run.read(specification, [plain["fold"]], [plain["seed"]])
    fold = clips.load(data, one.front_end).fold(one)
    one.parameters(len(fold.classes))
    job = Job(one, fold, output, checkpoint, experiment.code(one), checkpoint_seconds)
    with job.interruption.watched():
        train([job], lambda _: False)


def status(arguments):
    """The exit status of the program."""
    try:
        command_line(main, arguments)
    except SystemExit as end:
        return end.code or 0


def start(plain, data, folder, seconds="30"):
    words = ["--specification", json.dumps(plain), "--data", data, "--output", folder / "run"]
    return status([*words, "--checkpoint", folder / "checkpoint", "--checkpoint-seconds", seconds])


def read(folder):
    result = json.loads((folder / "run/result.json").read_text())
    lines = [json.loads(line) for line in (folder / "run/metrics.jsonl").read_text().splitlines()]
    with (folder / "run/predictions.csv").open(newline="") as file:
        return result, lines, list(csv.DictReader(file))


if __name__ == "__main__":
    command_line(main)
