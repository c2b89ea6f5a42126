"""Everything that needs a GPU, in one command of at most eight minutes. On a CPU it measures the same, more slowly.

python -m benchmarks.gpu [--output results/benchmarks/gpu] [--experiments FILE] [--seconds 480] [--device cuda]
python -m benchmarks.gpu --list FILE [--config config/paper.yaml]

The machine needs torch, numpy and pandas. Measurements that need another package (pytest and others: the tests marked
gpu; torchvision, efficientnet_lite_pytorch: front ends; tednet, tltorch: their models) are skipped if it is missing.
On a machine with the whole environment, `--list` writes the layers, settings and steps of a configuration; with that
file, the GPU machine estimates the cost.

speed.csv        forward and step, eager and as a CUDA graph, next to torch.nn.LSTM (cuDNN) and other schemes
compiled.csv     the same for our models and torch.nn.LSTM, also compiled: as many as there is time for
side_by_side.csv training steps per second of 1, 5 and 25 runs (on a CPU 1 and 2), each advanced as in a real job, with
                 the scoring of its epochs; whether a run has the same weights alone and next to others; GPU utilisation
                 in per cent, as the driver states it
front_ends.csv   frames per second
estimate.csv     hours of each experiment without its start-up
gpu.json         the machine, all tables, the total hours, and what was skipped or failed, with the reason
"""

import argparse
import gc
import itertools
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from benchmarks import cases, measure
from benchmarks.compare import compare
from benchmarks.side_by_side import AT_A_TIME, BATCH, SETTINGS, key, rates

REPETITIONS = 9
PICTURES = 64
FRONT_ENDS = ("inception_v3", "efficientnet_lite2")


class Report:
    """All tables and what was skipped, written to `folder` after each measurement."""

    def __init__(self, folder: Path, device: str, seconds: float):
        self.folder, self.end = folder, time.monotonic() + seconds
        folder.mkdir(parents=True, exist_ok=True)
        self.tables: dict[str, list[dict]] = {}
        self.facts: dict[str, Any] = {"device": measure.label(device), "torch": torch.__version__}
        self.facts |= {"skipped": {}, "failed": {}}

    def add(self, table: str, what: str, rows: Callable[[], Iterable[dict]]) -> None:
        """Append `rows()` to `table`, or note why `what` is skipped (no time, a missing package) or has failed."""
        outcome = "measured"
        if time.monotonic() > self.end:
            outcome = self.facts["skipped"][what] = "no time left"
        else:
            found = self.tables.setdefault(table, [])
            try:
                found.extend(rows())  # those before a failure, too
            except Exception as error:  # the other measurements go on; the exit status is 1
                place = "skipped" if isinstance(error, ImportError) else "failed"
                outcome = self.facts[place][what] = f"{type(error).__name__}: {error}".splitlines()[0]
            if found:
                pd.DataFrame(found).to_csv(self.folder / f"{table}.csv", index=False, float_format="%.6g")
        print(f"{what}: {outcome}", flush=True)
        gc.collect()
        self.write()

    def write(self) -> None:
        (self.folder / "gpu.json").write_text(json.dumps(self.facts | self.tables, indent=1), encoding="utf-8")


def frames_per_second(front_end: str, device: str) -> list[dict]:
    """Frames per second of a front end with random weights: pictures of its size to features."""
    module: Any = import_module(f"workflow.datasets.front_ends.{front_end}")
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.pth"
        torch.save(module.network().state_dict(), weights)
        features = module.extractor(weights, device)
    pictures = torch.randint(0, 256, (PICTURES, module.SIDE, module.SIDE, 3), dtype=torch.uint8)
    timing = measure.take_turns({"features": lambda: features(pictures)}, 5, device, settled=0)["features"]
    return [{"front_end": front_end, "batch": PICTURES, "frames_per_s": 1e3 * PICTURES / timing.median_ms}]


def tests() -> list[dict]:
    """The outcome of the tests marked gpu."""
    for package in ("pytest", "xdist", "pydantic", "yaml", "safetensors", "typer"):
        if find_spec(package) is None:
            raise ImportError(f"the tests need {package}")
    files = [str(path) for path in Path("tests").rglob("test_*.py") if "mark.gpu" in path.read_text(encoding="utf-8")]
    command = (sys.executable, "-m", "pytest", "-q", "-n0", "-m", "gpu", *files)
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    found = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    return [{"passed": found.returncode == 0, "summary": found.stdout[-500:]}]


def experiments(config: str) -> list[dict]:
    """A row per experiment with epochs: its layer, its runs, and the steps of a run."""
    from baselines import FORMATS
    from workflow.commands.cost import clips_of
    from workflow.experiments import grid
    from workflow.experiments.configuration_file import load

    found: dict[str, dict] = {}
    loaded = load(config)
    for run in grid.runs(loaded):
        if FORMATS[run.recurrent["format"]].fitted:
            continue
        name = "/".join((run.dataset, run.front_end, run.model, run.protocol))
        trained, _ = clips_of(loaded, run)
        steps = sum(one.epochs * math.ceil(trained / one.batch_size) for one in run.training.candidates)
        settings = {setting: getattr(run.training, setting) for setting in SETTINGS}
        row = {"experiment": name, "model": run.model, "front_end": run.front_end, "layer": run.recurrent}
        found.setdefault(name, row | {"settings": settings, "steps": steps, "runs": 0})["runs"] += 1
    return list(found.values())


def estimated(planned: list[dict], measured: list[dict]) -> list[dict]:
    """The hours of each experiment, with the best measured number of runs side by side that it has."""
    rows = []
    for row in planned:
        known = [one for one in measured if one["key"] == key(row) and one["side_by_side"] <= row["runs"]]
        best = max((one["steps_per_s"] for one in known), default=None)
        hours = row["runs"] * row["steps"] / best / 3600 if best else None
        rows.append({"experiment": row["experiment"], "runs": row["runs"], "steps": row["steps"], "hours": hours})
    return rows


def of_cases(known: Iterable[cases.Case]) -> Iterator[dict]:
    """Rows like those of `experiments` for the layers of `benchmarks.cases`."""
    for case in known:
        for name, layer in case.declared.items():
            front_end = "pixels" if case.raw else "inception_v3"
            yield {"experiment": f"{case.name} {name}", "model": name, "front_end": front_end, "layer": layer}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=measure.RESULTS / "gpu", metavar="FOLDER")
    parser.add_argument("--experiments", type=Path, metavar="FILE", help="as --list wrote it")
    parser.add_argument("--seconds", type=float, default=480, help="no measurement starts later (default: 480)")
    parser.add_argument("--device", choices=list(AT_A_TIME), default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--list", type=Path, metavar="FILE", help="write the layers and steps of a configuration")
    parser.add_argument("--config", default="config/paper.yaml", metavar="FILE", help="for --list")
    options = parser.parse_args(arguments)
    if options.list:
        options.list.write_text(json.dumps(experiments(options.config), indent=1), encoding="utf-8")
        return 0
    report, device, known = Report(options.output, options.device, options.seconds), options.device, list(cases.cases())
    planned = json.loads(options.experiments.read_text(encoding="utf-8")) if options.experiments else []
    report.add("tests", "tests marked gpu", tests)
    for case in known:
        for own in dict.fromkeys(implementation for implementation, _ in case.models):
            rows = partial(compare, case, case.declared, BATCH, device, REPETITIONS, (own,), compiled=False)
            report.add("speed", f"{case.name}, {own}", rows)
    for name in FRONT_ENDS:
        report.add("front_ends", name, partial(frames_per_second, name, device))
    for row in {key(row): row for row in reversed(planned or list(of_cases(known)))}.values():
        report.add("side_by_side", f"{row['experiment']}, side by side", partial(rates, row, device))
    if planned:
        report.add("estimate", "estimate", lambda: estimated(planned, report.tables["side_by_side"]))
        hours = [row["hours"] for row in report.tables.get("estimate", [])]
        report.facts["hours"] = sum(hours) if hours and None not in hours else None
        report.write()
    for case, name in itertools.product(known, known[0].declared) if device == "cuda" else ():
        rows = partial(compare, case, [name], BATCH, device, REPETITIONS, ("ours", "torch"))
        report.add("compiled", f"{case.name} {name}, compiled", rows)
    wrong = [row for row in report.tables.get("tests", []) if not row["passed"]]
    wrong += [row for row in report.tables.get("side_by_side", []) if not row["equal"]]
    return int(bool(wrong or report.facts["failed"]))


if __name__ == "__main__":
    sys.exit(main())
