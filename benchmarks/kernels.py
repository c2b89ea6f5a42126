"""Speed-up from each kernel of `fdht.engine`: training steps timed alternately with and without it.

python -m benchmarks.kernels [--threads 1] [--repetitions 9] [--model fdht_lstm ...] [--kernel integers ...]

gain: median CPU time without the kernel / with all kernels (CPU time is least affected by other processes).
"""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Annotated

import torch
from typer import Option

from benchmarks import measure
from benchmarks.cases import Case, cases, inputs
from benchmarks.speed import FRAMES, training_step
from fdht.engine.kernels import KERNELS, without
from workflow.storage.command_line import command_line


def gains(case: Case, model: str, kernels: Sequence[str], batch: int, repetitions: int) -> list[dict]:
    """Return one result row per kernel, for our `model` of `case`."""
    torch.manual_seed(0)
    layer, (x, _) = case.models["ours", model](), inputs(case, batch, FRAMES, "cpu")

    def step(*off: str) -> Callable[[], None]:
        def call() -> None:
            with without(*off):
                training_step(layer, x)

        return call

    calls = {None: step(), **{kernel: step(kernel) for kernel in kernels}}
    seconds = {name: timing.processor for name, timing in measure.take_turns(calls, repetitions).items()}
    return [
        {
            "case": case.name,
            "model": model,
            "device": measure.label("cpu"),
            "batch": batch,
            "kernel": kernel,
            "with_ms": 1e3 * median(seconds[None]),
            "without_ms": 1e3 * median(seconds[kernel]),
            "gain": median(seconds[kernel]) / median(seconds[None]),
            "gain_of_minima": min(seconds[kernel]) / min(seconds[None]),
            "n": repetitions,
        }
        for kernel in kernels
    ]


def main(
    threads: Annotated[int, Option(min=1, help="of the CPU")] = 1,
    repetitions: measure.Repetitions = 9,
    batch: Annotated[int, Option(min=1, help="sequences per step")] = 16,
    model: measure.Models = None,
    kernel: Annotated[list[str] | None, Option(help="may be repeated; all by default")] = None,
    output: measure.Output = measure.RESULTS / "kernels.csv",
) -> None:
    torch.set_num_threads(threads)
    kernels = measure.chosen("--kernel", kernel, KERNELS)
    rows: list[dict] = []
    for case in cases():
        for name in measure.chosen("--model", model, case.declared):
            measure.record(rows, gains(case, name, kernels, batch, repetitions), output)


if __name__ == "__main__":
    command_line(main)
