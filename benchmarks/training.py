"""What the training loop costs compared with the model: epochs per second of ours, of a plain loop, of steps alone.

python -m benchmarks.training [--model fdht_lstm ...] [--repetitions 9] [--output results/benchmarks/training.csv]

ours: workflow.training's epoch with its data, sums, checks and timer; plain: a usual PyTorch loop of the same model
(DataLoader over float pixels, torch.optim.Adam, loss.item() each step); bare: forward, backward and torch.optim.Adam
on one batch that lies ready. The three take turns, and medians are compared. `overhead`: time over bare, minus 1; on
a CPU it is processor time, which other work on the machine disturbs least.
"""

import subprocess
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import mean, median

import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from benchmarks import measure
from benchmarks.cases import cases
from workflow.experiments.run import Run
from workflow.storage.command_line import command_line
from workflow.training import calibration, environment, model
from workflow.training.data import prepared
from workflow.training.job import Job
from workflow.training.loop import Loop
from workflow.training.step import build

T, HEIGHT, WIDTH, CLASSES, CLIPS, BATCH = 6, 120, 160, 11, 128, 16
MODELS = {
    "thumbnail_lstm": {"format": "thumbnail_lstm", "input_size": HEIGHT * WIDTH * 3, "hidden_size": 4},
    **{name: entry for name, entry in next(cases()).declared.items() if name in ("tt_lstm", "fdht_lstm", "lstm")},
}
STEPS = CLIPS // BATCH
UTILISATION = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits")


def epochs(name: str) -> tuple[torch.device, dict[str, Callable[[], None]]]:
    """The device, and for each implementation a function that trains one epoch of the model `name`."""
    identity = {"dataset": "demo", "front_end": "pixels", "model": name, "protocol": "group", "fold": 0, "seed": 0}
    settings = {"batch_size": BATCH, "epochs": 10**6, "gradient_norm": None}
    kind = {"family": name, "recipe": "ours"}
    run = Run.parse({**identity, **kind, "recurrent": MODELS[name], "training": settings})
    device, _ = environment.prepare("auto", "float32")
    fold = prepared(calibration.noise(CLIPS, (T, HEIGHT, WIDTH, 3), CLASSES), run)
    clips, labels = torch.from_numpy(fold.clips).flatten(2), torch.from_numpy(fold.labels)

    def network() -> model.Classifier:
        torch.manual_seed(0)
        return model.build(run, CLASSES).to(device)

    torch.manual_seed(0)
    step = build(run, CLASSES, device)
    folder = Path(tempfile.mkdtemp())
    loop = Loop(Job(run, fold, folder, folder, checkpoint_seconds=1e9), fold, step)

    def ours() -> None:
        loop.state.position = 0
        step.log.clear()
        for _ in loop.train_epoch():
            pass
        step.totals()

    usual, naked = network(), network()
    usual_adam = torch.optim.Adam(usual.parameters())
    naked_adam = torch.optim.Adam(naked.parameters(), fused=True)
    loader = DataLoader(TensorDataset(clips, labels), BATCH, shuffle=True)
    ready, targets = clips[:BATCH].to(device), labels[:BATCH].to(device)

    def plain() -> None:
        for x, y in loader:
            usual_adam.zero_grad()
            loss = cross_entropy(usual(x.to(device).float()), y.to(device))
            loss.backward()
            usual_adam.step()
            loss.item()

    def bare() -> None:
        for _ in range(STEPS):
            naked_adam.zero_grad()
            cross_entropy(naked(ready), targets).backward()
            naked_adam.step()

    return device, {"ours": ours, "plain": plain, "bare": bare}


def compare(name: str, repetitions: int) -> list[dict]:
    """A row per implementation."""
    device, ways = epochs(name)
    for epoch in ways.values():  # the first allocates and captures
        epoch()
    busy: dict[str, list[float]] = {way: [] for way in ways}
    if device.type == "cuda":
        ways = {way: partial(sampled, epoch, busy[way]) for way, epoch in ways.items()}
    timings = measure.take_turns(ways, repetitions, device.type, warm_up=0, settled=0)
    work = {way: median(t.processor if device.type == "cpu" else t.wall) for way, t in timings.items()}
    return [
        {
            "model": name,
            "implementation": way,
            "device": measure.label(device.type),
            "batch": BATCH,
            "frames": T,
            "epochs_per_s": 1 / median(timing.wall),
            "step_ms": timing.median_ms / STEPS,
            "overhead": work[way] / work["bare"] - 1,
            "gpu_utilisation": mean(busy[way]) if busy[way] else None,
            "n": repetitions,
        }
        for way, timing in timings.items()
    ]


def sampled(epoch: Callable[[], None], busy: list[float]) -> None:
    """Train an epoch; `busy` is extended by the per cent of time that the driver reports the GPU to be busy."""
    done = threading.Event()

    def sample() -> None:
        while not done.wait(0.2):
            found = subprocess.run(UTILISATION, capture_output=True, text=True, check=False)
            busy.extend(float(line) for line in found.stdout.split() if line.isdigit())

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    epoch()
    torch.cuda.synchronize()
    done.set()
    thread.join()


def main(
    model: measure.Models = None,
    repetitions: measure.Repetitions = 9,
    output: measure.Output = measure.RESULTS / "training.csv",
) -> None:
    measure.record(output, (compare(name, repetitions) for name in measure.chosen("--model", model, MODELS)))


if __name__ == "__main__":
    command_line(main)
