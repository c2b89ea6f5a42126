"""The gain of each kernel of `fdht.engine`: training steps with it and without it, in turns, in one run.

    python -m benchmarks.kernels [--threads 1] [--repetitions 9] [--models fdht_lstm ...] [--kernels integers ...]

Writes results/benchmarks/kernels.csv, a row per case, model and kernel. On a CPU the time is processor time, which
other work on the machine affects least. gain: median without the kernel / median with all kernels.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import torch

from benchmarks.cases import Case, cases, inputs
from benchmarks.speed import FRAMES, label, training_step
from fdht.engine.kernels import KERNELS, without

COLUMNS = ["case", "model", "device", "batch", "kernel", "with_ms", "without_ms", "gain", "gain_of_minima", "n"]


def gains(case: Case, model: str, kernels: Sequence[str], batch: int, repetitions: int) -> list[dict]:
    """A row per kernel for our model `model` of a case."""
    torch.manual_seed(0)
    layer, (x, _) = case.models["ours", model](), inputs(case, batch, FRAMES, "cpu")

    def step() -> None:
        training_step(layer, x)

    ways: list[tuple[str, ...]] = [(), *((kernel,) for kernel in kernels)]
    seconds: dict[tuple[str, ...], list[float]] = {way: [] for way in ways}
    for _ in range(repetitions):
        for way in ways:
            with without(*way):
                _processor_time(step)  # the first step finds the caches as another way left them
                seconds[way].append(_processor_time(step))
    return [
        {
            "case": case.name,
            "model": model,
            "device": label("cpu"),
            "batch": batch,
            "kernel": kernel,
            "with_ms": 1e3 * statistics.median(seconds[()]),
            "without_ms": 1e3 * statistics.median(seconds[kernel,]),
            "gain": statistics.median(seconds[kernel,]) / statistics.median(seconds[()]),
            "gain_of_minima": min(seconds[kernel,]) / min(seconds[()]),
            "n": repetitions,
        }
        for kernel in kernels
    ]


def _processor_time(call: Callable[[], None]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1, help="threads of the CPU (default: 1)")
    parser.add_argument("--repetitions", type=int, default=9, help="measured steps per kernel (default: 9)")
    parser.add_argument("--batch", type=int, default=16, help="sequences per step (default: 16)")
    parser.add_argument("--models", nargs="+", metavar="MODEL", help="only these, e.g. fdht_lstm (default: all)")
    parser.add_argument("--kernels", nargs="+", choices=KERNELS, default=list(KERNELS), help="default: all")
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks/kernels.csv"), help="the CSV file")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    rows: list[dict] = []
    for case in cases():
        for implementation, model in case.models:
            if implementation == "ours" and (not options.models or model in options.models):
                found = gains(case, model, options.kernels, options.batch, options.repetitions)
                rows += found
                print(pd.DataFrame(found).to_string(index=False, float_format="%.3g"), flush=True)
                pd.DataFrame(rows, columns=COLUMNS).to_csv(options.output, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
