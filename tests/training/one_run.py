"""One run of the training step on tiny data, and what it left."""

import csv
import json

from workflow.storage.command_line import command_line
from workflow.training import run

FILES = {
    "result.json",
    "metrics.jsonl",
    "specification.yaml",
    "environment.json",
    "predictions.csv",
    "model.safetensors",
}


def status(arguments):
    """The exit status of the training step."""
    try:
        command_line(run.main, arguments)
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
