"""Timing in turns, peak memory, and the table of results."""

import gc
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from tqdm import tqdm

from workflow.storage.errors import InputError

RESULTS = Path("results/benchmarks")


@dataclass(frozen=True)
class Timing:
    """Seconds of each measured call: by the clock, and of all threads of the processor."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    @property
    def median_ms(self) -> float:
        return 1e3 * median(self.wall)

    @property
    def min_ms(self) -> float:
        return 1e3 * min(self.wall)


def take_turns(
    calls: Mapping[Any, Callable[[], object]],
    repetitions: int,
    device: str = "cpu",
    warm_up: int = 2,
    settled: float = 0.05,
) -> dict[Any, Timing]:
    """Timings of all `calls`, which run one after the other in every round, so that noise affects all of them alike.

    A training loop repeats one model's step, so it finds caches, threads and clocks as that step left them, not as
    another implementation did. In each turn, calls run for `settled` seconds before the one that is timed.
    """
    timings = {name: Timing() for name in calls}
    for call in calls.values():
        for _ in range(warm_up):
            call()
    for _ in tqdm(range(repetitions), "rounds", leave=False, disable=None):  # on a terminal
        for name, call in calls.items():
            ahead = 0.0
            while ahead < settled:
                ahead += _timed(call, device)[0]
            wall, processor = _timed(call, device)
            timings[name].wall.append(wall)
            timings[name].processor.append(processor)
    return timings


def training_step(layer: nn.Module, x: Tensor, optimizer: torch.optim.Optimizer | None = None) -> None:
    """Forward, a loss on the last output, backward, and the optimiser's step if there is one.

    It leaves no gradients: `peak_mb` of the next step would count them as there before.
    """
    layer(x).square().mean().backward()
    if optimizer is not None:
        optimizer.step()
    layer.zero_grad(set_to_none=True)


def peak_mb(call: Callable[[], object], device: str) -> float:
    """The most megabytes allocated at one time during `call`, above what was allocated before."""
    gc.collect()
    if device == "cuda":
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        call()
        torch.cuda.synchronize()
        return (torch.cuda.max_memory_allocated() - before) / 1e6
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        call()
    held = highest = 0
    events = recorded.profiler.kineto_results.events()
    for event in sorted((e for e in events if e.name() == "[memory]"), key=lambda e: e.start_ns()):
        held += event.nbytes()
        highest = max(highest, held)
    return highest / 1e6


def label(device: str) -> str:
    """cpu x2 (its threads), or the GPU's name."""
    return torch.cuda.get_device_name() if device == "cuda" else f"cpu x{torch.get_num_threads()}"


def chosen(option: str, given: Iterable[str] | None, known: Iterable[str]) -> list[str]:
    """The values `given` for an option, by default all that are known. Raises InputError for an unknown one."""
    known = list(known)
    for value in given or []:
        if value not in known:
            raise InputError(f"{option} {value}: expected some of {', '.join(known)}")
    return list(given or known)


def record(path: Path, tables: Iterable[list[dict]]) -> None:
    """Print each table when it has been measured, and write all rows so far to `path` as CSV; describe its columns."""
    from workflow.reporting import columns  # needs packages that a machine of benchmarks.gpu may lack

    rows: list[dict] = []
    path.parent.mkdir(parents=True, exist_ok=True)
    for table in tables:
        print(pd.DataFrame(table).to_string(index=False, float_format="%.4g"), flush=True)
        rows += table
        pd.DataFrame(rows).to_csv(path, index=False, float_format="%.4g")
    described = columns.metadata(path.name, pd.DataFrame(rows).columns)
    path.with_name(f"{path.name}-metadata.json").write_text(described, encoding="utf-8")


def _timed(call: Callable[[], object], device: str) -> tuple[float, float]:
    if device == "cuda":
        torch.cuda.synchronize()
    start, worked = time.perf_counter(), time.process_time()
    call()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start, time.process_time() - worked
