"""Forward and training step of every model and of other implementations, timed in turns."""

import gc
import sys
from collections.abc import Callable, Container
from functools import partial
from typing import Any

import torch

from benchmarks import cases, measure

COLUMNS = [
    "case", "implementation", "model", "device", "batch", "frames", "pass", "median_ms", "min_ms", "peak_mb", "n",
]  # fmt: skip
FRAMES = 6


def compare(
    case: cases.Case,
    models: Container[str],
    batch: int,
    device: str,
    repetitions: int,
    implementations: Container[str] | None = None,
    compiled: bool = True,
) -> list[dict]:
    """A row per implementation (None: all), model and pass.

    On a GPU the step of our models and of torch's is also measured as a CUDA graph and, if `compiled`, compiled.
    """
    print(f"measuring {case.name}, batch {batch}, {measure.label(device)}", file=sys.stderr, flush=True)
    torch.backends.cudnn.allow_tf32 = False  # cuDNN's LSTM would round its products, ours does not
    ours, theirs = cases.inputs(case, batch, FRAMES, device)
    forward: dict[tuple[str, str], Callable] = {}
    step: dict[tuple[str, str], Callable] = {}
    for (implementation, model), build in case.models.items():
        wanted = implementations is None or implementation in implementations
        if not wanted or model.removeprefix("fully decomposed ") not in models:
            continue
        torch.manual_seed(0)
        layer = build().to(device)
        x = ours if implementation == "ours" else theirs
        optimizer = torch.optim.Adam(layer.parameters(), capturable=True) if device == "cuda" else None
        forward[implementation, model] = partial(torch.no_grad()(layer), x)
        step[implementation, model] = partial(measure.training_step, layer, x, optimizer)
        if device == "cuda" and implementation in ("ours", "torch"):
            if compiled:
                fast: Any = compiled_anew(layer)
                step[f"{implementation}, compiled", model] = partial(measure.training_step, fast, x, optimizer)
            step[f"{implementation}, CUDA graph", model] = captured(step[implementation, model])
    found = []
    for name, calls in (("forward", forward), ("step", step)):
        for (implementation, model), timing in measure.take_turns(calls, repetitions, device).items():
            graph = implementation.endswith("CUDA graph")  # its memory is reserved when it is captured
            peak = None if graph else measure.peak_mb(calls[implementation, model], device)
            values = (case.name, implementation, model, measure.label(device), batch, FRAMES, name)
            row = (*values, timing.median_ms, timing.min_ms, peak, repetitions)
            found.append(dict(zip(COLUMNS, row, strict=True)))
    del forward, step
    gc.collect()
    return found


def compiled_anew(layer: torch.nn.Module) -> Callable:
    """`layer`, compiled. All of ours share their code, which torch would run eagerly after having compiled it often."""
    torch.compiler.reset()
    return torch.compile(layer)


def captured(step: Callable[[], None]) -> Callable[[], None]:
    """`step` as one CUDA graph: its tensors must live as long, and their shapes must not change."""
    stream = torch.cuda.Stream()  # the default one cannot be captured
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(5):  # so that libraries set themselves up outside the graph
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        step()
    return graph.replay
