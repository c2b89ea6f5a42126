"""Everything that needs a GPU, in one command of at most eight minutes. On a CPU it measures the same, more slowly.

python -m benchmarks.gpu [--output results/benchmarks/gpu] [--experiments FILE] [--seconds 480] [--device cuda]
python -m benchmarks.gpu --list FILE [--config config/paper.yaml]

The machine needs torch, numpy and pandas. What needs another package (pytest: the tests marked gpu; pydantic,
torchvision, efficientnet_lite_pytorch: front ends; tednet, tltorch: their models) is skipped where it is missing.
`--list` writes the layers and steps of a configuration where the whole environment is installed; with that file the
other machine estimates its cost.

speed.csv        forward and step, eager and as a CUDA graph, next to torch.nn.LSTM (cuDNN) and other schemes
compiled.csv     the same for our models and torch.nn.LSTM, compiled, too: as many as there is time for
side_by_side.csv training steps per second of 1, 5 and 25 runs (on a CPU 1 and 2), each a CUDA graph on a stream of its
                 own; whether a run has the same weights alone and next to others; the driver's utilisation in per cent
front_ends.csv   frames per second
estimate.csv     hours of training steps of each experiment; neither start-ups nor the scoring of clips
gpu.json         the machine, all tables, the hours in all, and what was skipped or failed, with the reason

Several runs are advanced here as `workflow.training` does; that code itself needs pydantic and is covered by the tests.
"""

import argparse
import gc
import itertools
import json
import math
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import mean
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from benchmarks import cases, measure
from benchmarks.compare import FRAMES, captured, compare

AT_A_TIME = {"cuda": (1, 5, 25), "cpu": (1, 2)}
BATCH = 16
COMPARED = 10  # steps after which the weights of a run are compared
SECONDS = 1.0  # of steps, for each number of runs
REPETITIONS = 9
PICTURES = 64
FRONT_ENDS = ("inception_v3", "efficientnet_lite2")
UTILISATION = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "200")


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
            except (ImportError, RuntimeError) as error:
                place = "skipped" if isinstance(error, ImportError) else "failed"
                outcome = self.facts[place][what] = f"{type(error).__name__}: {error}".splitlines()[0]
            if found:
                pd.DataFrame(found).to_csv(self.folder / f"{table}.csv", index=False, float_format="%.6g")
        print(f"{what}: {outcome}", flush=True)
        gc.collect()
        self.write()

    def write(self) -> None:
        (self.folder / "gpu.json").write_text(json.dumps(self.facts | self.tables, indent=1), encoding="utf-8")


class Run:
    """The training of a model, its step a CUDA graph on a stream of its own where there is a GPU."""

    def __init__(self, build: Callable[[], nn.Module], x: Tensor, seed: int):
        torch.manual_seed(seed)
        on_gpu = x.device.type == "cuda"
        self.layer = build().to(x.device)
        step = partial(
            measure.training_step, self.layer, x, torch.optim.Adam(self.layer.parameters(), capturable=on_gpu)
        )
        stream = torch.cuda.Stream() if on_gpu else None
        self.step = captured(step, stream) if stream else step
        self.stream = torch.cuda.stream(stream) if stream else nullcontext()


def take(runs: list[Run], steps: int) -> None:
    """Take `steps` steps of each run, in turns."""
    for _ in range(steps):
        for run in runs:
            with run.stream:
                run.step()
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def side_by_side(name: str, case: cases.Case, device: str) -> Iterator[dict]:
    """Yield a row for each number of runs of the only model of `case`."""
    (model, layer), (x, _) = next(iter(case.declared.items())), cases.inputs(case, BATCH, FRAMES, device)
    alone, single = list[Tensor](), None
    for count in AT_A_TIME[device]:
        runs = [Run(partial(cases.ours, case.raw, **layer), x, seed) for seed in range(count)]
        take(runs, COMPARED)
        weights = [parameter.detach().clone() for parameter in runs[0].layer.parameters()]
        alone = alone or weights
        steps, start = 0, time.perf_counter()
        with utilisation(device) as busy:
            while (elapsed := time.perf_counter() - start) < SECONDS or not steps:
                take(runs, COMPARED)
                steps += COMPARED * count
        rate, equal = steps / elapsed, all(map(torch.equal, alone, weights))
        single = single or rate
        row = {"case": name, "model": model, "device": measure.label(device), "batch": BATCH, "frames": FRAMES}
        row |= {"side_by_side": count, "steps_per_s": rate, "gain": rate / single}
        yield row | {"equal": equal, "utilisation": mean(busy) if busy else None, "layer": key(layer)}
        del runs
        gc.collect()


@contextmanager
def utilisation(device: str) -> Iterator[list[float]]:
    """A list that is filled, at the end, with the per cent of time that the driver states the GPU to be busy."""
    busy: list[float] = []
    if device != "cuda" or not shutil.which(UTILISATION[0]):
        yield busy
        return
    with subprocess.Popen(UTILISATION, stdout=subprocess.PIPE, text=True) as sampler:
        try:
            yield busy
        finally:
            sampler.terminate()
        assert sampler.stdout is not None
        busy += [float(line) for line in sampler.stdout if line.strip().isdigit()]


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
    command = (sys.executable, "-m", "pytest", "-q", "-n0", "-m", "gpu", "tests")
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return [{"passed": found.returncode == 0, "summary": found.stdout[-500:]}]


def experiments(config: str) -> list[dict]:
    """A row per experiment with epochs: its layer, its runs, and the steps of a run."""
    from baselines import FORMATS
    from workflow.datasets.catalogue import CATALOGUE
    from workflow.datasets.protocols import folds
    from workflow.experiments import grid
    from workflow.experiments.configuration_file import load

    found: dict[str, dict] = {}
    loaded = load(config)
    for run in grid.runs(loaded):
        if FORMATS[run.recurrent["format"]].fitted:
            continue
        name = "/".join((run.dataset, run.front_end, run.model, run.protocol))
        trained = (1 - 1 / folds(run.dataset, run.protocol)) * (1 - loaded.splits.validation_share(run.protocol))
        clips = round(CATALOGUE[run.dataset].clips * trained)
        steps = sum(one.epochs * math.ceil(clips / one.batch_size) for one in run.training.candidates)
        row = {"experiment": name, "model": run.model, "raw": run.front_end == "pixels", "layer": run.recurrent}
        found.setdefault(name, row | {"steps": steps, "runs": 0})["runs"] += 1
    return list(found.values())


def estimated(planned: list[dict], rates: list[dict]) -> list[dict]:
    """The hours of each experiment, with as many runs side by side as it has and as were measured."""
    rows = []
    for row in planned:
        known = [rate for rate in rates if rate["layer"] == key(row["layer"]) and rate["side_by_side"] <= row["runs"]]
        hours = row["runs"] * row["steps"] / known[-1]["steps_per_s"] / 3600 if known else None
        rows.append({"experiment": row["experiment"], "runs": row["runs"], "steps": row["steps"], "hours": hours})
    return rows


def key(layer: dict) -> str:
    return json.dumps(layer, sort_keys=True)


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
    layers = {key(row["layer"]): (row["experiment"], row["model"], row["raw"], row["layer"]) for row in planned}
    for case in known if not planned else ():
        layers |= {key(layer): (case.name, model, case.raw, layer) for model, layer in case.declared.items()}
    for case in known:
        for own in dict.fromkeys(implementation for implementation, _ in case.models):
            rows = partial(compare, case, case.declared, BATCH, device, REPETITIONS, (own,), compiled=False)
            report.add("speed", f"{case.name}, {own}", rows)
    for name in FRONT_ENDS:
        report.add("front_ends", name, partial(frames_per_second, name, device))
    for name, model, raw, layer in layers.values():
        alone = cases.Case(name, layer["input_size"], layer["hidden_size"], raw, {}, {model: layer})
        report.add("side_by_side", f"{name} {model}, side by side", partial(side_by_side, name, alone, device))
    if planned:
        report.add("estimate", "estimate", lambda: estimated(planned, report.tables["side_by_side"]))
        hours = [row["hours"] for row in report.tables.get("estimate", [])]
        report.facts["hours"] = sum(hours) if hours and None not in hours else None
        report.write()
    report.add("tests", "tests marked gpu", tests)
    for case, model in itertools.product(known, known[0].declared) if device == "cuda" else ():
        rows = partial(compare, case, [model], BATCH, device, REPETITIONS, ("ours", "torch"))
        report.add("compiled", f"{case.name} {model}, compiled", rows)
    wrong = [row for row in report.tables.get("tests", []) if not row["passed"]]
    wrong += [row for row in report.tables.get("side_by_side", []) if not row["equal"]]
    return int(bool(wrong or report.facts["failed"]))


if __name__ == "__main__":
    sys.exit(main())
