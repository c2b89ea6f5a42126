"""Timing in turns, peak memory, and what the machine can do at best."""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.profiler import ProfilerActivity, profile


@dataclass(frozen=True)
class Timing:
    """Milliseconds over n repetitions."""

    median_ms: float
    min_ms: float
    n: int


def take_turns(calls: dict, repetitions: int, device: str, warm_up: int = 2, settled: float = 0.05) -> dict:
    """Timings of all `calls`, which run one after the other in every round, so that noise meets all of them alike.

    A training loop repeats one model's step, and so finds caches, threads and clocks as that step left them, not as
    another implementation did: in each turn `settled` seconds of calls go ahead of the one that is timed.
    """
    seconds = {name: [] for name in calls}
    for call in calls.values():
        for _ in range(warm_up):
            call()
    for _ in range(repetitions):
        for name, call in calls.items():
            ahead = 0.0
            while ahead < settled:
                ahead += _timed(call, device)
            seconds[name].append(_timed(call, device))
    return {
        name: Timing(statistics.median(values) * 1e3, min(values) * 1e3, len(values))
        for name, values in seconds.items()
    }


def peak_mb(call: Callable[[], object], device: str) -> float:
    """Megabytes allocated at most at one time during `call`, beyond what was there before."""
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


def machine(device: str) -> tuple[float, float]:
    """Measured multiply-adds per second of a large float32 GEMM and bytes per second of reading."""
    size = 8192 if device == "cuda" else 1024
    a = torch.randn(size, size, device=device)
    rate = size**3 / min(_timed(lambda: a @ a, device) for _ in range(9))
    long = torch.ones(2**29 if device == "cuda" else 2**25, device=device)
    bandwidth = long.numel() * 4 / min(_timed(long.sum, device) for _ in range(9))
    return rate, bandwidth


def _timed(call: Callable[[], object], device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start
