"""Batches hold the stored clips."""

from dataclasses import replace

import pytest
import torch
from training.conftest import specification, write

from workflow.experiments.run import Run
from workflow.training import data as folds
from workflow.training.feed import Feed, shared

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def fold(tmp_path_factory):
    run = Run.parse(specification("dense"))
    found = folds.load(write(tmp_path_factory.mktemp("all"), sampling="all"), run.front_end).fold(run)
    return replace(found, clips=shared(found.clips, run))


def test_a_batch_holds_the_stored_clips(fold):
    rows = torch.tensor([5, 0, 17])
    feed = Feed(fold, CPU)
    batch = feed.select(*feed.rows([rows]))
    assert batch.x.dtype == torch.uint8
    assert batch.x.shape == (3, 4, 8 * 10 * 3)
    assert torch.equal(batch.x, fold.clips[rows])
    assert batch.labels.tolist() == fold.labels[rows].tolist()
    assert batch.lengths.tolist() == [4, 2, 4]  # of 30 / 2 + n decoded frames at most T = 4


def test_an_epoch_is_cut_as_its_chunks(fold):
    chunks = list(torch.randperm(48, generator=torch.Generator().manual_seed(0)).split(7))
    feed = Feed(fold, CPU)
    for rows, batch in zip(chunks, map(feed.select, feed.rows(chunks)), strict=True):
        assert torch.equal(batch.x, fold.clips[rows])
        assert batch.labels.tolist() == fold.labels[rows].tolist()
    assert feed.rows([]) == ()
    with pytest.raises(IndexError):
        feed.select(torch.tensor([1000]))


def test_the_pieces_of_a_batch_add_up_to_it(fold):
    batch = Feed(fold, CPU).select(torch.arange(10))
    pieces = list(batch.pieces(4))
    assert [len(piece.x) for piece in pieces] == [4, 4, 2]
    for whole, *parts in zip(batch, *pieces, strict=True):
        assert torch.equal(torch.cat(parts), whole)
    assert batch._replace(lengths=None).pieces(4).__next__().lengths is None
