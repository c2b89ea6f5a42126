"""One step: its gradients and sums; lack of memory; numbers that are not finite."""

import pytest
import torch
from training.conftest import specification

from workflow.experiments.run import Run
from workflow.training.errors import RunFailure, out_of_memory
from workflow.training.feed import Batch
from workflow.training.model import Classifier
from workflow.training.step import Step


class Limited(torch.nn.LSTM):
    """An LSTM on a device that has room for `room` clips."""

    room = 1000
    message = "you tried to allocate: can't allocate memory"

    def forward(self, x, **options):
        if len(x) > self.room:
            raise RuntimeError(self.message)
        return super().forward(x, **options)


def make(room=1000, gradient_norm=None):
    torch.manual_seed(0)
    recurrent = Limited(5, 3, batch_first=True)
    recurrent.room = room
    model = Classifier(recurrent, 3, 4, {})
    settings = Run.parse(specification(batch_size=10, learning_rate=0.1, gradient_norm=gradient_norm)).training
    return Step(model, settings, select)


ROWS = torch.arange(10)


def select(rows):
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(10, 6, 5, generator=draw)
    return Batch(x[rows], torch.randint(0, 4, (10,), generator=draw)[rows], None)


@pytest.fixture
def batch():
    return select(ROWS)


def test_sums_of_an_epoch(batch):
    step = make()
    logits = step.model(batch.x)
    step(ROWS)
    loss = torch.nn.functional.cross_entropy(logits, batch.labels, reduction="sum").item()
    assert step.totals() == (pytest.approx(loss, rel=1e-6), (logits.argmax(1) == batch.labels).sum(), None)
    step(ROWS)
    assert len(step.log) == 2
    assert step.totals()[0] > loss


def test_accumulated_gradients_are_the_same_gradient(batch):
    whole, pieces = make(), make()
    expected, found = whole.forward_backward(batch, 10), pieces.forward_backward(batch, 3)
    for p, q in zip(whole.parameters, pieces.parameters, strict=True):
        torch.testing.assert_close(p.grad, q.grad)
    torch.testing.assert_close(expected, found)


def test_out_of_memory_halves_until_it_fits_and_loses_nothing(batch, capsys):
    plain, limited = make(), make(room=3)
    plain(ROWS)
    limited(ROWS)
    assert limited.clips["training"] == 3
    assert "3 clips at a time" in capsys.readouterr().err
    for p, q in zip(plain.parameters, limited.parameters, strict=True):
        torch.testing.assert_close(p, q)
    assert limited.totals()[:2] == pytest.approx(plain.totals()[:2])


def test_a_single_clip_that_does_not_fit_fails_the_run(batch):
    with pytest.raises(RunFailure, match="out of memory when training a single clip"):
        make(room=0)(ROWS)


def test_other_errors_are_not_mistaken_for_a_lack_of_memory(batch):
    step = make(room=0)
    step.model.recurrent.message = "shapes differ"
    with pytest.raises(RuntimeError, match="shapes differ"):
        step(ROWS)


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), True),
        (torch.AcceleratorError("CUDA error: out of memory\nSearch for `cudaErrorMemoryAllocation' in ...", 2), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (MemoryError(), True),
        (torch.AcceleratorError("CUDA error: an illegal memory access was encountered", 700), False),
        (RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"), False),
    ],
)
def test_a_lack_of_memory_is_known_by_whoever_reports_it(error, short):
    assert out_of_memory(error) is short


def test_the_norm_of_all_gradients_is_clipped(batch):
    free, limited = make(), make(gradient_norm=1e-3)
    for step in (free, limited):
        step(ROWS)
    norms = [torch.cat([p.grad.flatten() for p in step.parameters]).norm().item() for step in (free, limited)]
    assert norms[0] > 1e-2
    assert norms[1] == pytest.approx(1e-3, rel=1e-3)


def test_the_first_step_that_exploded_is_reported(batch):
    step = make()
    step(ROWS)
    with torch.no_grad():
        step.model.classifier.bias[0] = torch.nan
    step(ROWS)
    step(ROWS)
    assert step.totals()[2] == 2
