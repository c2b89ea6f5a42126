"""Batches: resident and streamed are the same."""

import numpy as np
import pytest
import torch
from training.conftest import specification, write

from workflow.experiments.run import Run
from workflow.training import data as folds
from workflow.training.feed import Feed

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def fold(tmp_path_factory):
    folder = write(tmp_path_factory.mktemp("all"), sampling="all")
    return folds.load(folder, Run.parse(specification()))


def test_a_batch_holds_the_stored_clips(fold):
    rows = torch.tensor([5, 0, 17])
    (batch,) = Feed(fold, CPU).batches([rows])
    assert batch.x.dtype == torch.uint8
    assert np.array_equal(batch.x.numpy(), fold.clips[rows].reshape(3, 4, -1))
    assert batch.labels.tolist() == fold.labels[rows].tolist()
    assert batch.lengths.tolist() == [4, 2, 4]  # of 30 / 2 + n decoded frames at most T = 4


def test_streamed_batches_equal_resident_ones(fold):
    chunks = list(torch.randperm(48, generator=torch.Generator().manual_seed(0)).split(7))
    streamed = Feed(fold, CPU)
    streamed.resident = False
    pairs = zip(Feed(fold, CPU).batches(chunks), streamed.batches(chunks), strict=True)
    for first, second in pairs:
        for a, b in zip(first, second, strict=True):
            assert torch.equal(a, b)


def test_a_stream_may_end_early_and_raises_errors(fold):
    streamed = Feed(fold, CPU)
    streamed.resident = False
    chunks = list(torch.arange(48).split(2))
    stream = streamed.batches(chunks)
    next(stream)
    stream.close()
    with pytest.raises(IndexError):
        list(streamed.batches([torch.tensor([1000])]))
