"""Speed beside other implementations: forward and training step of every model and its peers, measured in turns.

    ./reproduce bench [--device cpu] [--threads 2] [--repetitions 9] [--cases 57600-256] [--batches 16 64]

Writes speed.csv, floors.csv (what each of our forwards must read and multiply at least, and how far it is from that),
plans.csv (the engine's choice of contraction beside all others) and roofline.{png,pdf} to results/benchmarks/.
A training step is forward and backward; on a GPU the optimiser's step too, and our models run eagerly, compiled, and
as one CUDA graph. tednet, tensorly-torch and torch get pixels as float32, made beforehand; ours get them as uint8.
"""

import argparse
import gc
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn

from benchmarks import cases, floors, graphs, measure, plans

COLUMNS = [
    "case", "implementation", "model", "device", "batch", "frames", "pass", "median_ms", "min_ms", "peak_mb", "n",
]  # fmt: skip
FRAMES = 6


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="./reproduce bench", description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks"), metavar="DIR")
    parser.add_argument(
        "--device", choices=["cpu", "cuda"], nargs="+", help="default: the CPU, and a GPU if there is one"
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of the CPU")
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--cases", nargs="+", choices=[case.name for case in cases.cases()], metavar="CASE")
    parser.add_argument("--batches", nargs="+", type=int, default=[16, 64], metavar="B")
    parser.add_argument("--models", nargs="+", metavar="MODEL", help="only these, e.g. fdht_lstm lstm")
    parser.add_argument("--no-plans", action="store_true", help="leave plans.csv out")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    options.output.mkdir(parents=True, exist_ok=True)
    devices = options.device or ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    rows, floor_rows = [], []
    for device in devices:
        best = measure.machine(device)
        for case in cases.cases():
            if options.cases and case.name not in options.cases:
                continue
            for batch in options.batches:
                found = compare(case, batch, device, options.repetitions, options.models)
                rows += found
                floor_rows += floors.rows(case, batch, FRAMES, device, best, found)
                pd.DataFrame(rows, columns=COLUMNS).to_csv(
                    options.output / "speed.csv", index=False, float_format="%.4g"
                )
                pd.DataFrame(floor_rows).to_csv(options.output / "floors.csv", index=False, float_format="%.4g")
                print(pd.DataFrame(found, columns=COLUMNS).to_string(index=False), flush=True)
        if not options.no_plans:
            table = plans.compare(device, options.repetitions)
            table.to_csv(options.output / "plans.csv", index=False, float_format="%.4g")
            print(table.to_string(index=False), flush=True)
    floors.figure(pd.DataFrame(floor_rows), options.output / "roofline")


def compare(case: cases.Case, batch: int, device: str, repetitions: int, only: list[str] | None) -> list[dict]:
    """One row an implementation, model and pass."""
    ours, theirs = cases.inputs(case, batch, FRAMES, device)
    forward: dict[tuple[str, str], Callable] = {}
    step: dict[tuple[str, str], Callable] = {}
    for (implementation, model), build in case.models.items():
        if only and model not in only and model.removeprefix("fully decomposed ") not in only:
            continue
        torch.manual_seed(0)
        layer = build().to(device)
        x = ours if implementation == "ours" else theirs
        optimizer = torch.optim.Adam(layer.parameters(), capturable=True) if device == "cuda" else None
        forward[implementation, model] = lambda layer=layer, x=x: _forward(layer, x)
        step[implementation, model] = lambda layer=layer, x=x, o=optimizer: training_step(layer, x, o)
        if device == "cuda" and implementation in ("ours", "torch"):
            compiled = torch.compile(layer)
            step[f"{implementation}, compiled", model] = lambda c=compiled, x=x, o=optimizer: training_step(c, x, o)
            graph = graphs.capture(lambda layer=layer, x=x, o=optimizer: training_step(layer, x, o))
            step[f"{implementation}, CUDA graph", model] = graph
    found = []
    for name, calls in (("forward", forward), ("step", step)):
        timings = measure.take_turns(calls, repetitions, device)
        for (implementation, model), timing in timings.items():
            peak = measure.peak_mb(calls[implementation, model], device)
            values = (case.name, implementation, model, label(device), batch, FRAMES, name)
            found.append(dict(zip(COLUMNS, (*values, timing.median_ms, timing.min_ms, peak, timing.n), strict=True)))
    del forward, step
    gc.collect()
    return found


def label(device: str) -> str:
    """cpu x2 (its threads), or the GPU's name."""
    return torch.cuda.get_device_name() if device == "cuda" else f"cpu x{torch.get_num_threads()}"


@torch.no_grad()
def _forward(layer: nn.Module, x: Tensor) -> Tensor:
    return layer(x)


def training_step(layer: nn.Module, x: Tensor, optimizer: torch.optim.Optimizer | None = None) -> None:
    """Forward, a loss on the last output, backward, and the optimiser's step if there is one."""
    layer.zero_grad(set_to_none=True)
    layer(x).square().mean().backward()
    if optimizer is not None:
        optimizer.step()


if __name__ == "__main__":
    main()
