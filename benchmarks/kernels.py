"""Speed-up from each kernel of `fdht.engine`: training steps timed alternately with and without it.

python -m benchmarks.kernels [--threads 1] [--repetitions 9] [--model fdht_lstm ...] [--kernel integers ...]

gain: median CPU time without the kernel / with all kernels (CPU time is least affected by other processes).
"""

from functools import partial
from typing import Annotated

import pandas as pd
import torch
from typer import Option

from benchmarks import measure
from benchmarks.cases import Case, cases, inputs
from benchmarks.speed import FRAMES, training_step
from fdht.engine.kernels import KERNELS, without
from workflow.storage.command_line import command_line


def gains(case: Case, model: str, kernels: list[str], batch: int, repetitions: int) -> list[dict]:
    """Return one result row per kernel, for our `model` of `case`."""
    torch.manual_seed(0)
    layer, (x, _) = case.models["ours", model](), inputs(case, batch, FRAMES, "cpu")

    def step(*off: str) -> None:
        with without(*off):
            training_step(layer, x)

    calls = {"all": step, **{kernel: partial(step, kernel) for kernel in kernels}}
    times = pd.DataFrame({name: t.processor for name, t in measure.take_turns(calls, repetitions).items()})
    medians, minima = 1e3 * times.median(), times.min()
    table = pd.DataFrame({"case": case.name, "model": model, "device": measure.label("cpu"), "batch": batch,
                          "kernel": kernels})  # fmt: skip
    table["with_ms"], table["without_ms"] = medians["all"], medians[kernels].to_numpy()
    table["gain"] = table["without_ms"] / table["with_ms"]
    table["gain_of_minima"], table["n"] = (minima[kernels] / minima["all"]).to_numpy(), repetitions
    return table.to_dict("records")


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
    pairs = [(case, name) for case in cases() for name in measure.chosen("--model", model, case.declared)]
    measure.record(output, (gains(case, name, kernels, batch, repetitions) for case, name in pairs))


if __name__ == "__main__":
    command_line(main)
