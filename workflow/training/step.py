"""One training step: forward, backward, clip, update. Its loss stays on the device until the epoch ends, so
no step waits for the device.

A batch that does not fit in memory is split into pieces whose gradients add up to that of the batch.
On a GPU a step is a CUDA graph: small models would otherwise spend most of their time launching kernels. There is a
graph per batch size (the last batch of an epoch is often smaller). Weights, moments, learning rate and the random
generator stay at the addresses that the graphs use, so checkpoints and schedules work as without graphs.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from workflow.experiments.run import Run
from workflow.experiments.training import Training
from workflow.training import model
from workflow.training.errors import halving, log, out_of_memory
from workflow.training.feed import Batch
from workflow.training.optimiser import Optimiser

EXPLODED = 1e8  # gradient norm before clipping, or batch loss, from which no training recovers
WARM_UP = 3  # steps before the capture: libraries choose algorithms and allocate memory, which a capture may not


class Step:
    """A model with its optimiser; call it with a batch.

    log: a tensor (loss, hits, gradient norm) per step of the epoch. clips: how many are computed at a time in
    `training` and `scoring`, fewer after memory has run out. alone: see `errors.halving`.
    """

    def __init__(self, classifier: model.Classifier, settings: Training):
        self.model, self.gradient_norm = classifier, settings.gradient_norm
        self.optimiser = Optimiser(classifier, settings)
        self.parameters = self.optimiser.parameters
        self.device = self.parameters[0].device
        half = settings.precision == "bfloat16"  # for matrix products; weights and sums stay float32
        self.autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=half, cache_enabled=False)
        self.clips = dict.fromkeys(("training", "scoring"), settings.batch_size)
        self.alone: Callable[[], bool] = lambda: True
        self.log: list[Tensor] = []

    def totals(self) -> tuple[float, float, int | None]:
        """Return loss and hits, summed over the clips of the epoch's steps so far, and the first step (from 1) that
        exploded, if any. Waits for the device."""
        entries = torch.stack(self.log).double().cpu()
        loss, hits, _ = entries.sum(0).tolist()
        # not (x <= limit) also catches NaN
        bad = (~(entries[:, [0, 2]] <= EXPLODED)).any(1).nonzero()
        return loss, hits, int(bad[0]) + 1 if len(bad) else None

    def __call__(self, batch: Batch) -> None:
        sums = halving(lambda size: self.forward_backward(batch, size), self.clips, "training", self.alone())
        self.log.append(self.update(*sums))

    def forward_backward(self, batch: Batch, size: int) -> tuple[Tensor, Tensor]:
        """Add up the gradients of the batch's mean loss over pieces of `size` clips; return summed loss and hits."""
        self.optimiser.zero_grad()
        losses, hits = [], []
        for piece in batch.pieces(size):
            with self.autocast:
                logits = self.model(piece.x, piece.lengths)
            loss = cross_entropy(logits.float(), piece.labels, reduction="sum")
            (loss / len(batch.x)).backward()
            losses.append(loss.detach())
            hits.append((logits.argmax(1) == piece.labels).sum(dtype=torch.float32))
        return sum(losses[1:], losses[0]), sum(hits[1:], hits[0])

    def update(self, loss: Tensor, hits: Tensor) -> Tensor:
        """Clip the gradients and apply them; return the entry of `log`."""
        norm = nn.utils.get_total_norm([p.grad for p in self.parameters if p.grad is not None])
        if self.gradient_norm is not None:
            nn.utils.clip_grads_with_norm_(self.parameters, self.gradient_norm, norm)
        self.optimiser.step()
        return torch.stack([loss, hits, norm])

    def logits(self, batch: Batch) -> Tensor:
        """Return logits (B, C), float32 on the device, in evaluation mode."""

        def score(size: int) -> Tensor:
            with torch.inference_mode(), self.autocast:
                return torch.cat([self.model(piece.x, piece.lengths).float() for piece in batch.pieces(size)])

        self.model.eval()
        try:
            return halving(score, self.clips, "scoring", self.alone())
        finally:
            self.model.train()


class Graph(NamedTuple):
    """A captured step, the batch that it reads and the entry of `log` that it writes."""

    captured: torch.cuda.CUDAGraph
    batch: Batch
    entry: Tensor


class GraphedStep(Step):
    """A Step that replays CUDA graphs, with equal results. `refused`: why the capture failed, or None."""

    def __init__(self, classifier: model.Classifier, settings: Training):
        super().__init__(classifier, settings)
        self.refused: str | None = None
        self._graphs: dict[int, Graph] = {}

    def __call__(self, batch: Batch) -> None:
        size = len(batch.x)
        if self.refused is None and size <= self.clips["training"] and size not in self._graphs:
            try:
                self._graphs[size] = self._capture(batch)
            except RuntimeError as error:
                if out_of_memory(error) and not self.alone():
                    raise
                self.refused = str(error).split("\n")[0]
                log(f"no CUDA graph, kernels are launched one by one: {self.refused}")
                torch.cuda.synchronize()
        if self.refused is not None or size > self.clips["training"]:
            super().__call__(batch)  # if memory is short, this makes the batch smaller
            return
        graph = self._graphs[size]
        graph.batch.copy_(batch)
        graph.captured.replay()
        self.log.append(graph.entry.clone())

    def _capture(self, batch: Batch) -> Graph:
        static, device = batch.each(Tensor.clone), self.device
        kept = [*self.parameters, *self.optimiser.moments.values()]
        before = [tensor.detach().clone() for tensor in kept]
        random = torch.cuda.get_rng_state(device)
        # on the run's own stream: graphs captured on one stream share the workspace of its matrix products, which
        # graphs of other runs must not write at the same time. The default stream cannot be captured.
        stream = torch.cuda.current_stream(device)
        if stream == torch.cuda.default_stream(device):
            stream = torch.cuda.Stream(device)
        stream.wait_stream(torch.cuda.current_stream(device))
        try:
            with torch.cuda.stream(stream):
                for _ in range(WARM_UP):
                    self._step(static)
        finally:  # undo the warm-up
            torch.cuda.synchronize(device)
            with torch.no_grad():
                for tensor, value in zip(kept, before, strict=True):
                    tensor.copy_(value)
            torch.cuda.set_rng_state(random, device)
        graph = torch.cuda.CUDAGraph()
        self.optimiser.zero_grad()
        with torch.cuda.graph(graph, stream=stream):
            entry = self._step(static)
        return Graph(graph, static, entry)

    def _step(self, batch: Batch) -> Tensor:
        return self.update(*self.forward_backward(batch, len(batch.x)))


def build(run: Run, classes: int, device: torch.device) -> Step:
    """Return the step of a run: a new model, drawn from torch's global generator on the CPU, and its optimiser."""
    kind = GraphedStep if device.type == "cuda" else Step
    return kind(model.build(run, classes).to(device), run.training)
