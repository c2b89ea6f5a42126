"""Estimate what a configuration costs before anything starts: jobs, GPU and CPU hours, disk, download.

Times come from the records of finished runs, otherwise from a few steps of each model, timed on this machine and kept
in results/CONFIG/cost.json; the last column names the source. Run it on the machine or cluster node that will do the
work: times are not converted from one device to another.
"""

import json
import sys
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

import typer
from tabulate import tabulate

from baselines import FORMATS
from workflow.datasets import catalogue, inventory
from workflow.datasets.catalogue import CATALOGUE
from workflow.datasets.front_ends import EXTRACTED, FRONT_ENDS
from workflow.experiments.configuration import Configuration
from workflow.experiments.configuration_file import load_own
from workflow.experiments.grid import check_models, runs
from workflow.experiments.run import Run
from workflow.storage import files

START_SECONDS = 3.0  # of a process, mostly importing torch (measured on two cores of an AMD EPYC)
DECODE_SECONDS = 0.04  # a clip on one core (217 real UCF11 clips took 8.3 s)
DOWNLOAD, TENSORS, DECODING = "download GB", "tensors GB", "decoding, core hours"


def estimate(config: Configuration, results: Path, timed: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row per data set, front end and model. timed: calibration by `key`; missing entries are added."""
    grid = defaultdict(list)
    for run in runs(config):
        grid[run.dataset, run.front_end, run.model].append(run)
    return [_row(config, group, results, timed) for group in grid.values()]


def _row(config: Configuration, group: list[Run], results: Path, timed: dict[str, Any]) -> dict[str, Any]:
    first = group[0]
    classes = len(CATALOGUE[first.dataset].classes)
    epochs = 0 if FORMATS[first.recurrent["format"]].fitted else first.training.epochs
    clips = [_clips(config, run, results) for run in group]
    steps = sum(epochs * -(-train // first.training.batch_size) for train, _ in clips)
    seconds, step_ms, device, source = 0.0, None, "CPU", "no epochs"
    records = [_json(results / "runs" / run.folder / "result.json") for run in group]
    if done := [record for record in records if record.get("status") == "ok"]:
        epoch = mean(record["train_seconds"] / max(record["epochs"], 1) for record in done)
        seconds = len(group) * epoch * max(epochs, 1)
        step_ms = mean(record["step_ms"] for record in done) if epochs else None
        device, source = done[0]["device"], f"{len(done)} of {len(group)} records"
    elif epochs:
        measured = _timed(config, first, timed, classes)
        step_ms, device, source = measured["step_ms"], measured["device"], "calibrated here"
        scored = epochs * sum(others for _, others in clips)
        seconds = 1e-3 * (steps * step_ms + scored * measured["evaluation_ms"])
    return {
        "data set": first.dataset,
        "front end": first.front_end,
        "model": first.model,
        "jobs": len(group),
        "steps": steps,
        "step ms": step_ms,
        "hours": (seconds + len(group) * START_SECONDS) / 3600,
        "weights GB": 4e-9 * sum(first.parameters(classes).values()) * len(group),
        "times from": source,
        "device": device,
    }


def _timed(config: Configuration, first: Run, timed: dict[str, Any], classes: int) -> dict[str, Any]:
    frames, kept = config.frames, first.training
    shape = (frames.count, *FRONT_ENDS[first.front_end].shape(frames.height, frames.width))
    key = files.digest([first.recurrent, shape, kept.batch_size, kept.precision, kept.device, kept.gradient_norm])
    if key not in timed:
        from workflow.training import calibration

        print(f"timing {first.model} on {first.dataset}/{first.front_end}", file=sys.stderr, flush=True)
        timed[key] = calibration.measure(first, shape, classes)
    return timed[key]


def _clips(config: Configuration, run: Run, results: Path) -> tuple[int, int]:
    """Return the number of clips that a run trains on, and of those that it scores after every epoch."""
    path = _data(config, results) / run.dataset / "splits.csv"
    if path.is_file():
        train, *scored = (_counts(path)[run.protocol, str(run.fold), part] for part in ("train", "validation", "test"))
        return train, sum(scored)
    clips = CATALOGUE[run.dataset].clips
    rest = clips * (1 - 1 / catalogue.folds(run.dataset, run.protocol))
    train = round(rest * (1 - config.splits.validation))
    return train, clips - train


@cache
def _counts(path: Path) -> Counter[tuple[str, ...]]:
    columns = ("protocol", "fold", "part")
    return Counter(tuple(line[name] for name in columns) for line in files.read_csv(path, columns))


def preparation(config: Configuration, results: Path) -> list[dict[str, Any]]:
    """Return for each data set: GB to download, GB of frames, core hours of decoding still to do."""
    size = config.frames.count, config.frames.height, config.frames.width
    # frames are decoded for every front end
    tensors = ["pixels", *(name for name in config.front_ends if name in EXTRACTED)]
    clip_bytes = sum(FRONT_ENDS[name].clip_bytes(*size) for name in tensors)
    rows = []
    for name, entry in config.datasets.items():
        about = _json(_data(config, results) / name / "frames.json")
        clips = about["shape"][0] if about else CATALOGUE[name].clips
        row = {
            "data set": name,
            "clips": clips,
            DOWNLOAD: 0.0 if entry.source else CATALOGUE[name].download_gb,
            TENSORS: 1e-9 * clips * clip_bytes,
            DECODING: 0.0 if about else clips * DECODE_SECONDS / 3600,
            "from": "done" if about else "estimated",
        }
        rows.append(row)
    return rows


def _data(config: Configuration, results: Path) -> Path:
    return results.parent / config.data_owner / "data"


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}


def text(rows: list[dict[str, Any]], prepared: list[dict[str, Any]]) -> str:
    """Return the text to print."""
    pages = [
        tabulate(rows, "keys", floatfmt=("", "", "", "", "", ".1f", ".2f", ".2f"), missingval="-"),
        tabulate(prepared, "keys", floatfmt=".2f"),
        tabulate(_sums(rows, prepared).items(), tablefmt="plain", disable_numparse=True),
    ]
    return "\n\n".join(pages) + "\n"


def _sums(rows: list[dict[str, Any]], prepared: list[dict[str, Any]]) -> dict[str, str]:
    jobs, steps, weights = (sum(row[name] for row in rows) for name in ("jobs", "steps", "weights GB"))
    cpu = sum(row["hours"] for row in rows if row["device"].startswith("CPU"))
    gpu = sum(row["hours"] for row in rows) - cpu
    download, tensors, decoding = (sum(row[name] for row in prepared) for name in (DOWNLOAD, TENSORS, DECODING))
    # clips are compressed already: unpacked they take about as much as their archives
    parts = f"archives {download:.1f}, clips {download:.1f}, tensors {tensors:.1f}, weights {weights:.1f}"
    return {
        "jobs": str(jobs),
        "steps": f"{steps / 1e6:.3g} million" if steps >= 1e6 else f"{steps:,.0f}",
        "GPU hours": f"{gpu:.2f}" if gpu else "unknown: no GPU among the devices above",
        "CPU hours": f"{cpu + decoding:.2f}  (training {cpu:.2f}, decoding {decoding:.2f})",
        "disk": f"{2 * download + tensors + weights:.1f} GB  ({parts})",
        "download": f"{download:.1f} GB",
    }


def main(context: typer.Context) -> None:
    config = load_own(context.obj)
    check_models(config, context.obj)
    for name in config.datasets:
        inventory.load(name)
    results = Path("results", config.name)
    timed = _json(results / "cost.json")
    before = len(timed)
    rows = estimate(config, results, timed)
    if len(timed) > before:
        files.write_json(results / "cost.json", timed)
    print(text(rows, preparation(config, results)), end="")
