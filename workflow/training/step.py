"""One training step: forward, backward, clip, update. Its loss stays on the device until the epoch ends, so
no step waits for the device.

A batch that does not fit in memory is split into pieces whose gradients add up to that of the batch.
On a GPU that holds the clips, a step is a CUDA graph, and so is the scoring of a batch: small models would otherwise
spend most of their time launching kernels. A graph selects its clips by their row numbers, the only numbers that are
copied to it. There is a graph per batch size (the last batch of an epoch is often smaller). Weights, moments, learning
rate and the random generator stay at the addresses that the graphs use, so checkpoints and schedules work as without
graphs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from workflow.training.errors import halving, log, out_of_memory
from workflow.training.feed import Batch, Feed
from workflow.training.optimiser import Optimiser

if TYPE_CHECKING:
    from workflow.experiments.training import Training
    from workflow.training.model import Classifier

EXPLODED = 1e8  # gradient norm before clipping, or batch loss, from which no training recovers
WARM_UP = 3  # steps before the capture: libraries choose algorithms and allocate memory, which a capture may not
Select = Callable[[Tensor], Batch]


class Step:
    """A model with its optimiser; call it with the rows of a batch.

    select: `Feed.select`. log: a tensor (loss, hits, gradient norm) per step of the epoch. clips: how many are computed
    at a time in `training` and `scoring`, fewer after memory has run out. alone: see `errors.halving`.
    """

    def __init__(self, classifier: Classifier, settings: Training, select: Select):
        self.model, self.gradient_norm, self.select = classifier, settings.gradient_norm, select
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

    def __call__(self, rows: Tensor) -> None:
        batch = self.select(rows)
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

    def logits(self, rows: Tensor) -> Tensor:
        """Return logits (B, C), float32 on the device, in evaluation mode."""
        batch = self.select(rows)
        return halving(lambda size: self.score(batch, size), self.clips, "scoring", self.alone())

    def score(self, batch: Batch, size: int) -> Tensor:
        """Return the logits of pieces of `size` clips."""
        self.model.eval()
        try:
            with torch.inference_mode(), self.autocast:
                return torch.cat([self.model(piece.x, piece.lengths).float() for piece in batch.pieces(size)])
        finally:
            self.model.train()


class Graph(NamedTuple):
    """A captured step or scoring, the rows that it reads and its result."""

    captured: torch.cuda.CUDAGraph
    rows: Tensor
    result: Tensor


class GraphedStep(Step):
    """A Step that replays CUDA graphs, with equal results. `refused`: why a capture failed, or None."""

    def __init__(self, classifier: Classifier, settings: Training, select: Select):
        super().__init__(classifier, settings, select)
        self.refused: str | None = None
        self._graphs: dict[tuple[str, int], Graph] = {}
        self._pool = torch.cuda.graph_pool_handle()  # one for all graphs, which never run at the same time

    def __call__(self, rows: Tensor) -> None:
        entry = self._replay("training", rows, self._step)
        if entry is None:
            super().__call__(rows)  # if memory is short, this makes the batch smaller
        else:
            self.log.append(entry)

    def logits(self, rows: Tensor) -> Tensor:
        found = self._replay("scoring", rows, lambda static: self.score(self.select(static), len(static)))
        return super().logits(rows) if found is None else found

    def _step(self, rows: Tensor) -> Tensor:
        return self.update(*self.forward_backward(self.select(rows), len(rows)))

    def _replay(self, doing: str, rows: Tensor, work: Callable[[Tensor], Tensor]) -> Tensor | None:
        """Return `work(rows)` from its graph, captured at the first call; None if it cannot be one."""
        key = doing, len(rows)
        if self.refused is not None or len(rows) > self.clips[doing]:
            return None
        if key not in self._graphs:
            try:
                self._graphs[key] = self._capture(rows, work)
            except RuntimeError as error:
                if out_of_memory(error) and not self.alone():
                    raise
                self.refused = str(error).split("\n")[0]
                log(f"no CUDA graph, kernels are launched one by one: {self.refused}")
                torch.cuda.synchronize()
                return None
        graph = self._graphs[key]
        graph.rows.copy_(rows)
        graph.captured.replay()
        return graph.result.clone()

    def _capture(self, rows: Tensor, work: Callable[[Tensor], Tensor]) -> Graph:
        static, device = rows.clone(), self.device
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
                    work(static)
        finally:  # undo the warm-up
            torch.cuda.synchronize(device)
            with torch.no_grad():
                for tensor, value in zip(kept, before, strict=True):
                    tensor.copy_(value)
            torch.cuda.set_rng_state(random, device)
        graph = torch.cuda.CUDAGraph()
        self.optimiser.zero_grad()
        with torch.cuda.graph(graph, pool=self._pool, stream=stream):
            result = work(static)
        return Graph(graph, static, result)


def build(classifier: Classifier, settings: Training, feed: Feed) -> Step:
    """Return the step of a model on the device of `feed`, graphed if the clips lie on a GPU."""
    kind = GraphedStep if feed.device.type == "cuda" and feed.resident else Step
    return kind(classifier.to(feed.device), settings, feed.select)
