"""A training step as one CUDA graph: small models would otherwise wait for the launches of their many kernels.

One graph for each size of batch (the last of an epoch is often smaller). Weights, moments, learning rate and the
random generator live where the graph finds them, so that checkpoints and schedules work as without it.
"""

import sys
from typing import Any

import torch

from workflow.training.feed import Batch
from workflow.training.step import Step

WARM_UP = 3  # steps before the capture, in which libraries choose and allocate what a graph may not


class GraphedStep(Step):
    """A Step that replays graphs; it computes what Step computes. `refused`: why the device would not capture."""

    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        self.refused: str | None = None
        self._graphs: dict[int, tuple[torch.cuda.CUDAGraph, Batch, torch.Tensor]] = {}

    def __call__(self, batch: Batch) -> None:
        if self.refused is not None or self.micro is not None:
            super().__call__(batch)
            return
        if len(batch.x) not in self._graphs:
            try:
                self._graphs[len(batch.x)] = self._capture(batch)
            except RuntimeError as error:
                self.refused = str(error).split("\n")[0]
                print(f"no CUDA graph, kernels are launched one by one: {self.refused}", file=sys.stderr)
                torch.cuda.synchronize()
                super().__call__(batch)  # where memory is short, it makes the batch smaller
                return
        graph, static, entry = self._graphs[len(batch.x)]
        for place, value in zip(static, batch, strict=True):
            if value is not None:
                place.copy_(value)
        graph.replay()
        self.log.append(entry.clone())

    def _capture(self, batch: Batch) -> tuple[torch.cuda.CUDAGraph, Batch, torch.Tensor]:
        static = Batch(*(None if value is None else value.clone() for value in batch))
        device = self.device
        kept = [*self.parameters, *self.optimiser.state().values()]
        before = [tensor.detach().clone() for tensor in kept]
        random = torch.cuda.get_rng_state(device)
        side = torch.cuda.Stream(device)
        side.wait_stream(torch.cuda.current_stream(device))
        try:
            with torch.cuda.stream(side):
                for _ in range(WARM_UP):
                    self._step(static)
            torch.cuda.current_stream(device).wait_stream(side)
        finally:  # the warm-up was no training
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

    def _step(self, batch: Batch) -> torch.Tensor:
        return self.update(*self.forward_backward(batch, len(batch.x)))
