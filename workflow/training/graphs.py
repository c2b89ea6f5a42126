"""A training step as a CUDA graph: small models would otherwise spend most of their time launching kernels.

One graph per batch size (the last batch of an epoch is often smaller). Weights, moments, learning rate and the random
generator stay at the addresses that the graph uses, so checkpoints and schedules work as without graphs.
"""

from typing import Any

import torch
from torch import Tensor

from workflow.experiments.run import Run
from workflow.training import model, optimiser
from workflow.training.errors import log
from workflow.training.feed import Batch
from workflow.training.step import Step

WARM_UP = 3  # steps before the capture: libraries choose algorithms and allocate memory, which a capture may not


class GraphedStep(Step):
    """A Step that replays CUDA graphs, with equal results. `refused`: why the capture failed, or None."""

    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        self.refused: str | None = None
        self._graphs: dict[int, tuple[torch.cuda.CUDAGraph, Batch, Tensor]] = {}

    def __call__(self, batch: Batch) -> None:
        if self.refused is not None or self.micro is not None:
            super().__call__(batch)
            return
        if len(batch.x) not in self._graphs:
            try:
                self._graphs[len(batch.x)] = self._capture(batch)
            except RuntimeError as error:
                self.refused = str(error).split("\n")[0]
                log(f"no CUDA graph, kernels are launched one by one: {self.refused}")
                torch.cuda.synchronize()
                super().__call__(batch)  # if memory is short, this makes the batch smaller
                return
        graph, static, entry = self._graphs[len(batch.x)]
        for place, value in zip(static, batch, strict=True):
            if place is not None and value is not None:
                place.copy_(value)
        graph.replay()
        self.log.append(entry.clone())

    def _capture(self, batch: Batch) -> tuple[torch.cuda.CUDAGraph, Batch, Tensor]:
        static = batch.each(Tensor.clone)
        device = self.device
        kept = [*self.parameters, *optimiser.moments(self.optimiser).values()]
        before = [tensor.detach().clone() for tensor in kept]
        random = torch.cuda.get_rng_state(device)
        side = torch.cuda.Stream(device)
        side.wait_stream(torch.cuda.current_stream(device))
        try:
            with torch.cuda.stream(side):
                for _ in range(WARM_UP):
                    self._step(static)
            torch.cuda.current_stream(device).wait_stream(side)
        finally:  # undo the warm-up
            torch.cuda.synchronize(device)
            with torch.no_grad():
                for tensor, value in zip(kept, before, strict=True):
                    tensor.copy_(value)
            torch.cuda.set_rng_state(random, device)
        graph = torch.cuda.CUDAGraph()
        self.optimiser.zero_grad()
        with torch.cuda.graph(graph):
            entry = self._step(static)
        return graph, static, entry

    def _step(self, batch: Batch) -> Tensor:
        return self.update(*self.forward_backward(batch, len(batch.x)))


def build(run: Run, classes: int, device: torch.device) -> Step:
    """Return the step of a run: a new model, drawn from torch's global generator on the CPU, and its optimiser."""
    kind = GraphedStep if device.type == "cuda" else Step
    return kind(model.build(run, classes).to(device), run.training)
