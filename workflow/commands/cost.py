"""What a configuration will cost, before anything starts: jobs, GPU and CPU hours, disk, download.

    ./reproduce CONFIG cost        python -m workflow.commands.cost --config config/CONFIG.yaml

Times come from the records of runs that are done, else from a few steps of each model timed on this machine and
kept in results/<config>/cost.json; the last column says which. Ask on the machine, or a node of the cluster, that
will do the work: nothing is scaled from one device to another.
"""

import argparse
import csv
import json
import sys
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

from baselines import FORMATS
from workflow.datasets import inventory
from workflow.datasets.catalogue import CATALOGUE
from workflow.datasets.errors import DataError
from workflow.datasets.front_ends import EXTRACTED, FRONT_ENDS
from workflow.experiments.configuration import Configuration
from workflow.experiments.configuration_file import load_own
from workflow.experiments.grid import check_models, runs
from workflow.experiments.problems import ConfigurationError
from workflow.experiments.run import Run
from workflow.storage import files
from workflow.training import declared

START_SECONDS = 3.0  # of a process, mostly importing torch (measured on two cores of an AMD EPYC)
DECODE_SECONDS = 0.04  # a clip on one core (217 real UCF11 clips took 8.3 s)
GROUPS = ("dataset", "front_end", "model")


def estimate(config: Configuration, results: Path, timed: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each data set, front end and model. `timed`: calibration by `key`, completed where it lacks one."""
    grid = defaultdict(list)
    for run in runs(config):
        grid[run.dataset, run.front_end, run.model].append(run)
    return [_row(config, group, results, timed) for group in grid.values()]


def _row(config: Configuration, group: list[Run], results: Path, timed: dict[str, Any]) -> dict[str, Any]:
    first = group[0]
    classes = len(CATALOGUE[first.dataset].classes)
    format_ = first.recurrent["format"]
    epochs = 0 if FORMATS[format_].fitted else first.training.epochs
    clips = [_clips(config, run, results) for run in group]
    steps = [epochs * -(-train // first.training.batch_size) for train, _ in clips]
    row = {
        **{name: getattr(first, name) for name in GROUPS},
        "jobs": len(group),
        "steps": sum(steps),
        "weights_gb": 4e-9 * sum(declared.parameters(first, classes).values()) * len(group),
    }
    start = len(group) * START_SECONDS
    if records := _records(results, group):
        seconds = mean(record["train_seconds"] / max(record["epochs"], 1) for record in records) * max(epochs, 1)
        times = [record["step_ms"] for record in records if record["step_ms"]]
        source = f"{len(records)} of {len(group)} records"
        return row | {
            "hours": (len(group) * seconds + start) / 3600,
            "step_ms": mean(times) if times else None,
            "device": records[0]["device"],
            "source": source,
        }
    if not epochs:
        return row | {"hours": start / 3600, "step_ms": None, "device": "CPU", "source": "no epochs"}
    measured = _timed(config, first, timed, classes)
    scored = epochs * sum(others for _, others in clips)
    seconds = 1e-3 * (sum(steps) * measured["step_ms"] + scored * measured["evaluation_ms"])
    step_ms, device = measured["step_ms"], measured["device"]
    return row | {
        "hours": (seconds + start) / 3600,
        "step_ms": step_ms,
        "device": device,
        "source": "calibrated here",
    }


def _records(results: Path, group: list[Run]) -> list[dict[str, Any]]:
    found = []
    for run in group:
        try:
            record = json.loads((results / "runs" / run.folder / "result.json").read_text())
        except (OSError, json.JSONDecodeError, UnicodeDecodeError):
            continue
        if record.get("status") == "ok":
            found.append(record)
    return found


def _timed(config: Configuration, first: Run, timed: dict[str, Any], classes: int) -> dict[str, Any]:
    frames = config.frames
    shape = (frames.count, *FRONT_ENDS[first.front_end].shape(frames.height, frames.width))
    kept = first.training
    key = files.digest([first.recurrent, shape, kept.batch_size, kept.precision, kept.device, kept.gradient_norm])
    if key not in timed:
        from workflow.training import calibration

        print(f"timing {first.model} on {first.dataset}/{first.front_end}", file=sys.stderr, flush=True)
        timed[key] = calibration.measure(first, shape, classes)
    return timed[key]


def _clips(config: Configuration, run: Run, results: Path) -> tuple[int, int]:
    """Clips that a run trains on, and those that it scores after every epoch."""
    path = _data(config, results) / run.dataset / "splits.csv"
    if path.is_file():
        counts = _counts(path)
        key = (run.protocol, str(run.fold))
        return counts[*key, "train"], counts[*key, "validation"] + counts[*key, "test"]
    known = CATALOGUE[run.dataset]
    folds = known.group_folds if run.protocol == "group" else 5
    rest = known.clips * (1 - 1 / folds)
    train = round(rest * (1 - config.splits.validation))
    return train, known.clips - train


@cache
def _counts(path: Path) -> Counter[tuple[str, str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return Counter((row["protocol"], row["fold"], row["part"]) for row in csv.DictReader(file))


def preparation(config: Configuration, results: Path) -> list[dict[str, Any]]:
    """For each data set: download and frames in GB, core hours of decoding that are still to be done."""
    frames = config.frames
    size = frames.count, frames.height, frames.width
    # frames are decoded for every front end
    tensors = ["pixels", *(name for name in config.front_ends if name in EXTRACTED)]
    clip_bytes = sum(FRONT_ENDS[name].clip_bytes(*size) for name in tensors)
    rows = []
    for name in config.datasets:
        own = config.datasets[name].source is not None
        about = _json(_data(config, results) / name / "frames.json")
        clips = about["shape"][0] if about else CATALOGUE[name].clips
        rows.append(
            {
                "dataset": name,
                "clips": clips,
                "download_gb": 0.0 if own else CATALOGUE[name].download_gb,
                "tensors_gb": 1e-9 * clips * clip_bytes,
                "decoding_hours": 0.0 if about else clips * DECODE_SECONDS / 3600,
                "source": "done" if about else "estimated",
            }
        )
    return rows


def _data(config: Configuration, results: Path) -> Path:
    return results.parent / config.data_owner / "data"


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return {}


def text(rows: list[dict[str, Any]], prepared: list[dict[str, Any]]) -> str:
    """The page that is printed."""
    lines = [f"{'data set':20}{'front end':10}{'model':24}{'jobs':>6}{'step ms':>10}{'hours':>9}  times from"]
    for row in rows:
        step = "-" if row["step_ms"] is None else f"{row['step_ms']:.1f}"
        where = f"{row['source']} ({row['device']})"
        names = f"{row['dataset']:20}{row['front_end']:10}{row['model']:24}"
        lines.append(f"{names}{row['jobs']:6}{step:>10}{row['hours']:9.2f}  {where}")
    hours = {
        on_cpu: sum(r["hours"] for r in rows if r["device"].startswith("CPU") == on_cpu) for on_cpu in (True, False)
    }
    lines += ["", f"{'data set':20}{'clips':>7}{'download GB':>13}{'tensors GB':>12}{'decoding, core hours':>22}"]
    for row in prepared:
        numbers = f"{row['clips']:7}{row['download_gb']:13.2f}{row['tensors_gb']:12.2f}{row['decoding_hours']:22.2f}"
        lines.append(f"{row['dataset']:20}{numbers}  {row['source']}")
    download = sum(row["download_gb"] for row in prepared)
    # clips are compressed already: unpacked they take about what they took packed
    disk = 2 * download + sum(row["tensors_gb"] for row in prepared) + sum(row["weights_gb"] for row in rows)
    steps = sum(row["steps"] for row in rows)
    decoding = sum(row["decoding_hours"] for row in prepared)
    training = f"{hours[True]:.2f} of training, one job at a time, {decoding:.2f} of decoding"
    lines += [
        "",
        f"jobs        {sum(row['jobs'] for row in rows)}",
        f"steps       {f'{steps / 1e6:.3g} million' if steps >= 1e6 else f'{steps:,.0f}'}",
        f"GPU hours   {hours[False]:.2f}" + ("" if hours[False] else "  (no GPU among the devices above)"),
        f"CPU hours   {hours[True] + decoding:.2f}  ({training})",
        f"disk        {disk:.1f} GB",
        f"download    {download:.1f} GB",
    ]
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="a file of config/")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of all results")
    options = parser.parse_args(arguments)
    try:
        config = load_own(options.config)
        check_models(config, options.config)
        for name in config.datasets:
            inventory.load(name)
    except (ConfigurationError, DataError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    results = options.results / config.name
    timed = _json(results / "cost.json")
    before = len(timed)
    rows = estimate(config, results, timed)
    if len(timed) > before:
        files.write_json(results / "cost.json", timed)
    print(text(rows, preparation(config, results)), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
