"""What the training loop costs beside the model: epochs per second of ours, of a plain loop, and of nothing but steps.

    python -m benchmarks.training [--models fdht_lstm ...] [--rounds N] [--output results/benchmarks/training.csv]

ours: workflow.training's epoch with its data, sums, checks and timer; plain: a usual PyTorch loop of the same model
(DataLoader over float pixels, torch.optim.Adam, loss.item() each step); bare: forward, backward and torch.optim.Adam
on one batch that lies ready. The three take turns, the median of the rounds counts. `overhead`: time over bare,
minus 1; on a CPU it is processor time, which other work on the machine disturbs least.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from workflow.experiments.run import Run
from workflow.training import calibration, model
from workflow.training import device as devices
from workflow.training.data import prepared
from workflow.training.experiment import build_step
from workflow.training.job import Job
from workflow.training.loop import Loop

T, HEIGHT, WIDTH, CLASSES, CLIPS, BATCH, HIDDEN = 6, 120, 160, 11, 128, 16, 256
RAW = {"input_size": HEIGHT * WIDTH * 3, "hidden_size": HIDDEN}
MODELS: dict[str, dict[str, Any]] = {
    "thumbnail_lstm": {"format": "thumbnail_lstm", "input_size": RAW["input_size"], "hidden_size": 4},
    "tt_lstm": RAW | {"format": "tensor_train", "input_modes": [8, 20, 20, 18], "output_modes": [4] * 4, "ranks": 4},
    "fdht_lstm": RAW
    | {
        "format": "fully_decomposed",
        "input_modes": [6, 6, 40, 48],
        "output_modes": [8, 8, 2, 2],
        "leaf_rank": 8,
        "inner_rank": 4,
    },
    "lstm": RAW | {"format": "dense"},
}
COLUMNS = ("model", "implementation", "device", "threads", "batch", "frames", "epochs_per_s", "step_ms", "overhead",
           "gpu_utilisation", "rounds")  # fmt: skip
STEPS = CLIPS // BATCH


def epochs(name: str) -> tuple[torch.device, dict[str, Callable[[], None]]]:
    """The device, and for each implementation a function that trains one epoch of the model `name`."""
    identity = {"dataset": "demo", "front_end": "pixels", "model": name, "protocol": "group", "fold": 0, "seed": 0}
    settings = {"batch_size": BATCH, "epochs": 10**6, "gradient_norm": None}
    kind = {"family": name, "recipe": "ours"}
    run = Run.parse({**identity, **kind, "recurrent": MODELS[name], "training": settings})
    device = devices.choose("auto")
    devices.make_deterministic(device, "float32")
    fold = prepared(calibration.noise(CLIPS, (T, HEIGHT, WIDTH, 3), CLASSES), run)
    clips, labels = torch.from_numpy(fold.clips).flatten(2), torch.from_numpy(fold.labels)

    def network() -> model.Classifier:
        torch.manual_seed(0)
        return model.build(run, CLASSES).to(device)

    torch.manual_seed(0)
    step = build_step(run, CLASSES, device)
    folder = Path(tempfile.mkdtemp())
    loop = Loop(Job(run, fold, folder, folder, checkpoint_seconds=1e9), fold, step)

    def ours() -> None:
        loop.state.position = 0
        step.begin_epoch()
        loop.train_epoch()
        step.totals()

    usual = network()
    usual_adam = torch.optim.Adam(usual.parameters())
    loader = DataLoader(TensorDataset(clips, labels), BATCH, shuffle=True)

    def plain() -> None:
        for x, y in loader:
            usual_adam.zero_grad()
            loss = cross_entropy(usual(x.to(device).float()), y.to(device))
            loss.backward()
            usual_adam.step()
            loss.item()

    naked = network()
    naked_adam = torch.optim.Adam(naked.parameters(), fused=True)
    ready, targets = clips[:BATCH].to(device), labels[:BATCH].to(device)

    def bare() -> None:
        for _ in range(STEPS):
            naked_adam.zero_grad()
            cross_entropy(naked(ready), targets).backward()
            naked_adam.step()

    return device, {"ours": ours, "plain": plain, "bare": bare}


def measure(name: str, rounds: int) -> list[dict[str, Any]]:
    """A row for each implementation; they take turns, so that a busy machine is unfair to none."""
    device, ways = epochs(name)
    took: dict[str, list[float]] = {way: [] for way in ways}
    worked: dict[str, list[float]] = {way: [] for way in ways}
    busy: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, epoch in ways.items():
            with Utilisation(device) as utilisation:
                began, worked_before = time.perf_counter(), time.process_time()
                epoch()
                if device.type == "cuda":
                    torch.cuda.synchronize()
                seconds, work = time.perf_counter() - began, time.process_time() - worked_before
            if number:  # the first allocates and captures
                took[way].append(seconds)
                worked[way].append(work if device.type == "cpu" else seconds)
                busy[way] += utilisation.seen
    seconds = {way: median(values) for way, values in took.items()}
    return [
        {
            "model": name,
            "implementation": way,
            "device": devices.name(device),
            "threads": torch.get_num_threads(),
            "batch": BATCH,
            "frames": T,
            "epochs_per_s": f"{1 / seconds[way]:.4g}",
            "step_ms": f"{1e3 * seconds[way] / STEPS:.4g}",
            "overhead": f"{median(worked[way]) / median(worked['bare']) - 1:.3f}",
            "gpu_utilisation": f"{mean(busy[way]):.0f}" if busy[way] else "",
            "rounds": rounds,
        }
        for way in ways
    ]


class Utilisation:
    """Per cent of the time that the GPU was busy, as its driver says, sampled within a with block; empty on a CPU."""

    COMMAND = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits")

    def __init__(self, device: torch.device):
        self.seen: list[float] = []
        self._on = device.type == "cuda"
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "Utilisation":
        if self._on:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._on:
            self._thread.join()

    def _sample(self) -> None:
        while not self._done.wait(0.2):
            found = subprocess.run(self.COMMAND, capture_output=True, text=True, check=False)
            self.seen += [float(line) for line in found.stdout.split() if line.isdigit()]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks/training.csv"))
    options = parser.parse_args(arguments)
    rows = []
    for name in options.models:
        rows += measure(name, options.rounds)
        for row in rows[-3:]:
            print(*(f"{column}={row[column]}" for column in COLUMNS if row[column] != ""), file=sys.stderr)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with options.output.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
