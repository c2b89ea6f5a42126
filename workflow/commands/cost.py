"""Estimate what a configuration costs before anything starts: jobs, GPU and CPU hours, disk, download.

Times come from the records of finished runs with the present settings (divided by the number of runs trained side by
side) or else from a few steps of each model, timed on this machine and kept in results/CONFIG/cost.json; a column names
the source. Runs that train side by side on a GPU take less time than the timed steps suggest. Use the machine or
cluster node that will do the work: times are not converted from one device to another.
"""

import platform
import sys
from collections import Counter
from contextlib import suppress
from functools import cache
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from statistics import mean
from textwrap import fill
from typing import Any

import typer
from tabulate import tabulate

from baselines import FORMATS
from workflow.datasets import inventory, protocols
from workflow.datasets.catalogue import CATALOGUE
from workflow.datasets.front_ends import EXTRACTED, FRONT_ENDS
from workflow.experiments.configuration import Configuration
from workflow.experiments.configuration_file import load_own
from workflow.experiments.grid import check_models, runs
from workflow.experiments.record import KEPT, RECORD
from workflow.experiments.run import Run
from workflow.experiments.states import respecified
from workflow.storage import files

START_SECONDS = 3.0  # of a process, mostly importing torch (measured on two cores of an AMD EPYC)
DECODE_SECONDS = 0.04  # a clip on one core (217 real UCF11 clips took 8.3 s)
NUMBER_BYTES = 12  # of a probability in predictions.csv
ARCHIVES, CLIPS, DECODING = "archives GB", "clips GB", "decoding, core hours"
SHOWN = ("model", "jobs", "runs", "steps", "step ms", "hours", "times from")  # of a row; its sizes are only summed
WIDTH = 80  # of a line
FRAMES, FEATURES, WEIGHTS, RECORDS = "frames GB", "features GB", "weights GB", "records GB"


def estimate(config: Configuration, timed: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row per data set, front end and model. timed: calibration by `key`; missing entries are added."""
    grid = groupby(runs(config), attrgetter("dataset", "front_end", "model"))
    return [_row(config, list(group), timed) for _, group in grid]


def _row(config: Configuration, group: list[Run], timed: dict[str, Any]) -> dict[str, Any]:
    first = group[0]
    classes = len(CATALOGUE[first.dataset].classes)
    trainings = [] if FORMATS[first.recurrent["format"]].fitted else first.training.candidates
    epochs = sum(training.epochs for training in trainings)
    clips = [clips_of(config, run) for run in group]
    steps = sum(one.epochs * -(-train // one.batch_size) for one in trainings for train, _ in clips)
    scored = sum(others for _, others in clips)
    seconds, step_ms, device, source = 0.0, None, "CPU", "no epochs"
    folders = {config.results / "runs" / run.folder: run for run in group}
    records = [files.known_json(path / RECORD) for path, run in folders.items() if not respecified(path, run.plain)]
    if done := [record for record in records if record.get("status") == "ok"]:
        trained = [sum(one["epochs"] for one in record.get("search") or [record]) for record in done]
        shares = [record["train_seconds"] / (record.get("side_by_side") or 1) for record in done]
        epoch = mean(share / max(number, 1) for share, number in zip(shares, trained, strict=True))
        seconds = len(group) * epoch * max(epochs, 1)
        step_ms = mean(record["step_ms"] for record in done) if epochs else None
        device, source = done[0]["device"], f"{len(done)} of {len(group)} records"
    elif epochs:
        measured = _timed(config, first, timed, classes)
        step_ms, device, source = measured["step_ms"], measured["device"], "calibrated here"
        seconds = 1e-3 * (steps * step_ms + epochs * scored * measured["evaluation_ms"])
    jobs, weights = len({run.experiment for run in group}), sum(first.parameters(classes).values())
    return {
        "data set": first.dataset,
        "front end": first.front_end,
        "model": first.model,
        "jobs": jobs,
        "runs": len(group),
        "steps": steps,
        "step ms": step_ms,
        "hours": (seconds + jobs * START_SECONDS) / 3600,
        WEIGHTS: 4e-9 * len(group) * weights if weights <= KEPT[config.keep_weights] else 0.0,
        RECORDS: 1e-9 * NUMBER_BYTES * scored * (classes + 1),
        "times from": source,
        "device": device,
    }


def _timed(config: Configuration, first: Run, timed: dict[str, Any], classes: int) -> dict[str, Any]:
    frames, kept = config.frames, first.training
    shape = (frames.count, *FRONT_ENDS[first.front_end].shape(frames.height, frames.width))
    kind = [first.recurrent, shape, kept.batch_size, kept.precision, kept.device, kept.gradient_norm]
    key = files.digest([*kind, platform.node()])  # cost.json may lie on a disk that several machines share
    if key not in timed:
        from workflow.training import calibration

        print(f"timing {first.model} on {first.dataset}/{first.front_end}", file=sys.stderr, flush=True)
        timed[key] = calibration.measure(first, shape, classes)
    return timed[key]


def clips_of(config: Configuration, run: Run) -> tuple[int, int]:
    """Return the number of clips that a run trains on, and of those that it scores after every epoch."""
    path = config.prepared / run.dataset / "splits.csv"
    if path.is_file():
        train, *scored = (_counts(path)[run.protocol, str(run.fold), part] for part in ("train", "validation", "test"))
        return train, sum(scored)
    clips = CATALOGUE[run.dataset].clips
    rest = clips * (1 - 1 / protocols.folds(run.dataset, run.protocol))
    train = round(rest * (1 - config.splits.validation_share(run.protocol)))
    return train, clips - train


@cache
def _counts(path: Path) -> Counter[tuple[str, ...]]:
    columns = ("protocol", "fold", "part")
    return Counter(tuple(line[name] for name in columns) for line in files.read_csv(path, columns))


def preparation(config: Configuration) -> list[dict[str, Any]]:
    """Return a row per data set: GB of its download and of what is made of it, core hours of decoding left."""
    size = config.frames.count, config.frames.height, config.frames.width
    pixels, features = FRONT_ENDS["pixels"], [FRONT_ENDS[name] for name in config.front_ends if name in EXTRACTED]
    rows = []
    for name, entry in config.datasets.items():
        folder = config.prepared / name
        about = files.known_json(folder / "frames.json")
        # every front end that computes features decodes the clips once more, at their own resolution
        left = sum(not (folder / f"{one.tensor}.json").is_file() for one in (pixels, *features))
        clips = about["shape"][0] if about else CATALOGUE[name].clips
        row = {
            "data set": name,
            "clips": clips,
            ARCHIVES: 0.0 if entry.source else CATALOGUE[name].download_gb,
            # compressed already: unpacked they take about as much as their archives
            CLIPS: 0.0 if entry.source else CATALOGUE[name].download_gb,
            FRAMES: 1e-9 * clips * pixels.clip_bytes(*size),  # decoded for every front end
            FEATURES: 1e-9 * clips * sum(front_end.clip_bytes(*size) for front_end in features),
            DECODING: left * clips * DECODE_SECONDS / 3600,
            "from": "estimated" if left else "done",
        }
        rows.append(row)
    return rows


def text(rows: list[dict[str, Any]], prepared: list[dict[str, Any]]) -> str:
    """Return the text to print."""
    pages = []
    for data, group in groupby(rows, lambda row: f"{row['data set']}, {row['front end']}"):
        shown = [{name: row[name] for name in SHOWN} for row in group]
        pages.append(f"{data}\n" + tabulate(shown, "keys", floatfmt=("",) * 4 + (".1f", ".2f", ""), missingval="-"))
    sets = [[name, *(_printed(row[name]) for row in prepared)] for name in prepared[0]]
    pages.append(tabulate(sets, "firstrow", disable_numparse=True, colalign=("left", *("right" for _ in prepared))))
    sums = {name: fill(line, WIDTH - 15) for name, line in _sums(rows, prepared).items()}
    pages.append(tabulate(sums.items(), tablefmt="plain", disable_numparse=True))
    return "\n\n".join(pages) + "\n"


def _printed(value: str | float) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _sums(rows: list[dict[str, Any]], prepared: list[dict[str, Any]]) -> dict[str, str]:
    def total(table: list[dict[str, Any]], name: str) -> float:
        return sum(row[name] for row in table)

    steps, decoding = total(rows, "steps"), total(prepared, DECODING)
    cpu = sum(row["hours"] for row in rows if row["device"].startswith("CPU"))
    gpu = total(rows, "hours") - cpu
    disk = {name: total(prepared, name) for name in (ARCHIVES, CLIPS, FRAMES, FEATURES)}
    disk |= {name: total(rows, name) for name in (WEIGHTS, RECORDS)}
    parts = ", ".join(f"{name.removesuffix(' GB')} {size:.1f}" for name, size in disk.items())
    return {
        "jobs": f"{total(rows, 'jobs')} for {total(rows, 'runs')} runs, and a few for data, tables and article",
        "steps": f"{steps / 1e6:.3g} million" if steps >= 1e6 else f"{steps:,.0f}",
        "GPU hours": f"{gpu:.2f}" if gpu else "unknown: no GPU here",
        "CPU hours": f"{cpu + decoding:.2f}  (training {cpu:.2f}, decoding {decoding:.2f})",
        "disk": f"{sum(disk.values()):.1f} GB  ({parts})",
        "download": f"{disk[ARCHIVES]:.1f} GB",
        "devices": ", ".join(sorted({row["device"] for row in rows if row["steps"]})) or "-",
    }


def main(context: typer.Context) -> None:
    config = load_own(context.obj)
    check_models(config, context.obj)
    for name in config.datasets:
        inventory.load(name)
    timed = files.known_json(config.results / "cost.json")
    before = len(timed)
    rows = estimate(config, timed)
    if len(timed) > before:
        with suppress(OSError):  # it only saves time
            files.write_json(config.results / "cost.json", timed)
    print(text(rows, preparation(config)), end="")
