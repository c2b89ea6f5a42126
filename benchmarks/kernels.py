"""Speed-up from each kernel of `fdht.engine`: training steps timed alternately with and without it.

./reproduce bench --kernels [--threads 1] [--repetitions 9] [--model fdht_lstm ...]

gain: median CPU time without the kernel / with all kernels (CPU time is least affected by other processes).
"""

from collections.abc import Callable
from functools import partial

import pandas as pd
import torch

from benchmarks import measure
from benchmarks.cases import Case, inputs
from fdht.engine.kernels import KERNELS, without


def gains(case: Case, model: str, batch: int, frames: int, repetitions: int) -> list[dict]:
    """Return one result row per kernel, for our `model` of `case`."""
    torch.manual_seed(0)
    layer, (x, _) = case.models["ours", model](), inputs(case, batch, frames, "cpu")

    def step(*off: str) -> None:
        with without(*off):
            measure.training_step(layer, x)

    calls: dict[str, Callable[[], None]] = {"all": step, **{kernel: partial(step, kernel) for kernel in KERNELS}}
    times = pd.DataFrame({name: t.processor for name, t in measure.take_turns(calls, repetitions).items()})
    table = pd.DataFrame({"kernel": list(KERNELS), "with_ms": 1e3 * times["all"].median()})
    table["without_ms"] = 1e3 * times[table["kernel"]].median().to_numpy()
    table["gain"] = table["without_ms"] / table["with_ms"]
    table["gain_of_minima"] = times[table["kernel"]].min().to_numpy() / times["all"].min()
    about = {"case": case.name, "model": model, "device": measure.label("cpu"), "batch": batch, "n": repetitions}
    return [about | row for row in table.to_dict("records")]
