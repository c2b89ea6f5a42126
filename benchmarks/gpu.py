"""Everything that needs a GPU, in one command of at most eight minutes. On a CPU it measures the same, more slowly.

python -m benchmarks.gpu [--output results/benchmarks/gpu] [--experiments FILE] [--seconds 480] [--device cuda]
python -m benchmarks.gpu --list FILE [--config config/paper.yaml]

The machine needs torch, numpy and pandas. What needs another package (pytest and others: the tests marked gpu;
torchvision, efficientnet_lite_pytorch: front ends; tednet, tltorch: their models) is skipped where it is missing.
`--list` writes the layers, settings and steps of a configuration where the whole environment is installed; with that
file the other machine estimates its cost.

speed.csv        forward and step, eager and as a CUDA graph, next to torch.nn.LSTM (cuDNN) and other schemes
compiled.csv     the same for our models and torch.nn.LSTM, compiled, too: as many as there is time for
side_by_side.csv training steps per second of 1, 5 and 25 runs (on a CPU 1 and 2), each advanced as in a real job, with
                 the scoring of its epochs; whether a run has the same weights alone and next to others; the driver's
                 utilisation in per cent
front_ends.csv   frames per second
estimate.csv     hours of each experiment without its start-up
gpu.json         the machine, all tables, the hours in all, and what was skipped or failed, with the reason
"""

import argparse
import copy
import gc
import itertools
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import mean
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from benchmarks import cases, measure
from benchmarks.compare import FRAMES, compare
from workflow.training import model, step
from workflow.training.feed import Feed, shared
from workflow.training.side_by_side import Lane

AT_A_TIME = {"cuda": (1, 5, 25), "cpu": (1, 2)}
BATCH = 16
CLIPS, TRAINED, CLASSES = 400, 320, 11  # the other clips are scored after each epoch
COMPARED = 10  # steps after which the weights of a run are compared
SECONDS = 0.5  # of steps, for each number of runs
REPETITIONS = 9
PICTURES = 64
FRONT_ENDS = ("inception_v3", "efficientnet_lite2")
SETTINGS = {  # of training, where no configuration gives them
    "optimizer": "adam", "learning_rate": 0.001, "weight_decay": 0.0, "classifier_weight_decay": 0.0,
    "gradient_norm": 5.0, "dropout_input": 0.25, "dropout_product": 0.0, "dropout_recurrent": 0.25,
    "dropout_mask": "clip", "dropout_classifier": 0.0, "normalisation": "unit", "feature_scale": 1.0,
    "precision": "float32", "batch_size": BATCH,
}  # fmt: skip
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


class Training:
    """A training without end, advanced as `workflow.training.loop` and `side_by_side` do it, without records."""

    def __init__(self, classifier: model.Classifier, settings: Any, feed: Feed, seed: int):
        self.feed, self.seed, self.taken = feed, seed, 0
        self.step = step.build(copy.deepcopy(classifier), settings, feed)
        stream = torch.cuda.Stream() if feed.device.type == "cuda" else None
        self.lane = Lane(Any, self.steps(), stream)

    def steps(self) -> Iterator[int]:
        torch.manual_seed(self.seed)
        scored = self.feed.rows([torch.arange(TRAINED, CLIPS)])
        self.step.clips["scoring"] = CLIPS
        for epoch in itertools.count():
            order = np.random.default_rng([self.seed, epoch]).permutation(TRAINED)
            for rows in self.feed.rows(list(torch.from_numpy(order).split(BATCH))):
                self.step(rows)
                self.taken += 1
                yield epoch
            self.step.totals()
            self.step.log.clear()
            torch.cat([self.step.logits(rows) for rows in scored]).argmax(1).tolist()


def take(trainings: list[Training], steps: int) -> None:
    """Take `steps` steps of each training, in turns."""
    for _ in range(steps):
        for training in trainings:
            training.lane.advance()
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def side_by_side(row: dict, device: str) -> Iterator[dict]:
    """Yield a row for each number of runs of an experiment, a row of `experiments`."""
    settings = SimpleNamespace(**SETTINGS | row.get("settings", {}), device=device)
    run: Any = SimpleNamespace(recurrent=row["layer"], front_end=row["front_end"], training=settings)
    torch.manual_seed(0)
    classifier, draw = model.build(run, CLASSES), np.random.default_rng(0)
    if row["front_end"] == "pixels":
        clips: Any = draw.integers(0, 256, (CLIPS, FRAMES, *frame(row["layer"]["input_size"]), 3), np.uint8)
    else:
        clips = draw.random((CLIPS, FRAMES, row["layer"]["input_size"]), np.float32).astype(np.float16)
    fold: Any = SimpleNamespace(clips=shared(clips, run), labels=np.arange(CLIPS) % CLASSES, lengths=None)
    feed, alone, single = Feed(fold, torch.device(device)), list[Tensor](), None
    for count in AT_A_TIME[device]:
        trainings = [Training(classifier, settings, feed, seed) for seed in range(count)]
        take(trainings, COMPARED)
        if device == "cuda":
            take(trainings, 2 * TRAINED // BATCH)  # scorings are captured, too
        weights = [parameter.detach().clone() for parameter in trainings[0].step.parameters]
        alone = alone or weights
        warmed, taken = trainings[0].taken, sum(training.taken for training in trainings)
        start = time.perf_counter()
        with utilisation(device) as busy:
            while (elapsed := time.perf_counter() - start) < SECONDS or trainings[0].taken == warmed:
                take(trainings, COMPARED)
        rate = (sum(training.taken for training in trainings) - taken) / elapsed
        single = single or rate
        known = {name: row[name] for name in ("experiment", "model", "front_end")}
        known |= {"device": measure.label(device), "batch": BATCH, "frames": FRAMES, "side_by_side": count}
        known |= {"steps_per_s": rate, "gain": rate / single, "equal": all(map(torch.equal, alone, weights))}
        yield known | {"utilisation": mean(busy) if busy else None, "key": key(row)}
        del trainings
        gc.collect()
        torch.cuda.empty_cache()  # without effect on a CPU


def frame(numbers: int) -> tuple[int, int]:
    """Height and width of a picture of so many numbers, three a pixel, as square as can be: 57,600 -> (128, 150)."""
    height = next(side for side in range(math.isqrt(numbers // 3), 0, -1) if numbers // 3 % side == 0)
    return height, numbers // 3 // height


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
    files = [str(path) for path in Path("tests").rglob("test_*.py") if "mark.gpu" in path.read_text(encoding="utf-8")]
    command = (sys.executable, "-m", "pytest", "-q", "-n0", "-m", "gpu", *files)
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    found = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
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
        settings = {setting: getattr(run.training, setting) for setting in SETTINGS}
        row = {"experiment": name, "model": run.model, "front_end": run.front_end, "layer": run.recurrent}
        found.setdefault(name, row | {"settings": settings, "steps": steps, "runs": 0})["runs"] += 1
    return list(found.values())


def estimated(planned: list[dict], rates: list[dict]) -> list[dict]:
    """The hours of each experiment, with the best measured number of runs side by side that it has."""
    rows = []
    for row in planned:
        known = [one for one in rates if one["key"] == key(row) and one["side_by_side"] <= row["runs"]]
        best = max((one["steps_per_s"] for one in known), default=None)
        hours = row["runs"] * row["steps"] / best / 3600 if best else None
        rows.append({"experiment": row["experiment"], "runs": row["runs"], "steps": row["steps"], "hours": hours})
    return rows


def key(row: dict) -> str:
    """What the speed of an experiment depends on: its layer, front end and settings, but for numbers of training."""
    settings = SETTINGS | row.get("settings", {})
    same = {name: bool(value) if isinstance(value, float) else value for name, value in settings.items()}
    return json.dumps([row["layer"], row["front_end"], same], sort_keys=True)


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
        report.add("side_by_side", f"{row['experiment']}, side by side", partial(side_by_side, row, device))
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
