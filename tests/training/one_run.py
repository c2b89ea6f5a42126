"""One run of the training step on tiny data, and what it left."""

import csv
import json

import workflow.training.run as step

FILES = {
    "result.json",
    "metrics.jsonl",
    "specification.yaml",
    "environment.json",
    "predictions.csv",
    "model.safetensors",
}


def start(plain, data, folder):
    words = ["--specification", json.dumps(plain), "--data", str(data), "--output", str(folder / "run")]
    return step.main([*words, "--checkpoint", str(folder / "checkpoint")])


def read(folder):
    result = json.loads((folder / "run/result.json").read_text())
    lines = [json.loads(line) for line in (folder / "run/metrics.jsonl").read_text().splitlines()]
    with (folder / "run/predictions.csv").open(newline="") as file:
        return result, lines, list(csv.DictReader(file))
