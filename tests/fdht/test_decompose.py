"""Conversion of dense matrices: exact where the ranks allow it, quasi-optimal elsewhere."""

import math

import pytest
import torch

from fdht import FDHTLSTM, HierarchicalTucker
from fdht.decompose import tt_svd
from fdht.tree import tree

N, M = [4, 3, 5, 2], [2, 3, 2, 3]
SHAPES = ["balanced", "left", "right", [[1, 3], [4, 2]]]


def tails(W, node, rank):
    """Squared singular values beyond `rank` of W's matricisation at `node`: what no approximation can keep."""
    d, axes = len(N), [mode - 1 for mode in node]
    tensor = W.reshape(*M, *N)
    inside = [axis for k in axes for axis in (k, d + k)]
    outside = [axis for k in range(d) if k not in axes for axis in (k, d + k)]
    rows = math.prod(tensor.shape[axis] for axis in inside)
    return torch.linalg.svdvals(tensor.permute(*inside, *outside).reshape(rows, -1))[rank:].square().sum()


def product(cores):
    """The matrix (M, N) of a tensor train with cores (r, n, m, r')."""
    W = torch.ones(1, 1, 1, dtype=torch.float64)
    for core in cores:
        W = torch.einsum("MNr,rnms->MmNns", W, core)
        W = W.reshape(W.shape[0] * W.shape[1], W.shape[2] * W.shape[3], -1)
    return W.squeeze(2)


@pytest.fixture(name="W")
def matrix():
    torch.manual_seed(1)
    decay = torch.arange(1, math.prod(N) + 1, dtype=torch.float64) ** -1.5
    return torch.randn(math.prod(M), math.prod(N), dtype=torch.float64) * decay


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_hierarchical_svd_recovers_what_is_of_that_rank(shape):
    torch.manual_seed(0)
    given = HierarchicalTucker(N, M, [2, 3, 2, 4, 3, 2], shape, dtype=torch.float64)
    found = HierarchicalTucker.from_dense(given.dense(), N, M, [2, 3, 2, 4, 3, 2], shape)
    torch.testing.assert_close(found.dense(), given.dense(), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("rank", [1, 2, 4])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_hierarchical_svd_is_quasi_optimal(W, shape, rank):
    layer = HierarchicalTucker.from_dense(W, N, M, rank, shape)
    error = (layer.dense() - W).square().sum()
    nodes = tree(shape, len(N))
    losses = [tails(W, node, rank) for node in nodes.ranked if node != nodes.children[nodes.root][1]]
    assert error <= sum(losses) * (1 + 1e-9)  # the sum over nodes, the root's children counted once
    assert error >= max(losses) * (1 - 1e-9)  # no approximation of these ranks is nearer than any of them
    assert error <= (2 * len(N) - 3) * max(losses) * (1 + 1e-9)


def test_ranks_for_an_accuracy_are_the_fewest(W):
    torch.manual_seed(0)
    shapes = zip((1, 2, 4, 3), N, M, (2, 4, 3, 1), strict=True)
    given = product([torch.randn(left, n, m, right, dtype=torch.float64) for left, n, m, right in shapes])
    assert [core.shape[3] for core in tt_svd(given, N, M, accuracy=1e-9)] == [2, 4, 3, 1]
    for rank in (1, 2, 3):  # of a matrix, the largest error that its rank may have is known
        flat = torch.linalg.svdvals(W)
        error = (flat[rank:].square().sum() / flat.square().sum()).sqrt().item()
        assert tt_svd(W, [1, 120], [36, 1], accuracy=1.001 * error)[0].shape[3] == rank


@pytest.mark.parametrize("accuracy", [0.5, 0.1, 1e-3, 1e-10])
def test_accuracy_is_kept(W, accuracy):
    for found in (
        HierarchicalTucker.from_dense(W, N, M, accuracy=accuracy).dense(),
        product(tt_svd(W, N, M, accuracy=accuracy)),
    ):
        assert (found - W).norm() <= accuracy * W.norm()
    coarse = HierarchicalTucker.from_dense(W, N, M, accuracy=0.5)
    assert coarse.weight_parameters < HierarchicalTucker.from_dense(W, N, M, accuracy=1e-3).weight_parameters


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_tt_svd_is_quasi_optimal(W, rank):
    error = (product(tt_svd(W, N, M, rank)) - W).square().sum()
    losses = [tails(W, tuple(range(1, k + 1)), rank) for k in range(1, len(N))]
    assert max(losses) * (1 - 1e-9) <= error <= sum(losses) * (1 + 1e-9)


def test_large_matrices_take_the_way_of_the_gram_matrix(W, monkeypatch):
    expected = HierarchicalTucker.from_dense(W, N, M, 3).dense()
    monkeypatch.setattr("fdht.decompose.LARGEST_SVD", 0)
    torch.testing.assert_close(HierarchicalTucker.from_dense(W, N, M, 3).dense(), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "expected one of them"),
        ({"ranks": 2, "accuracy": 0.1}, "expected one of them"),
        ({"accuracy": 0.0}, "accuracy is 0.0"),
        ({"ranks": 9}, "rank 9 of node"),
        ({"ranks": 0}, "ranks is 0"),
    ],
)
def test_bad_requests(W, arguments, message):
    with pytest.raises(ValueError, match=message):
        HierarchicalTucker.from_dense(W, N, M, **arguments)


def test_a_trained_lstm_is_compressed_and_fine_tuned():
    torch.manual_seed(0)
    given = FDHTLSTM(48, 16, [6, 3, 4], [4, 2, 2], 3, batch_first=True, dtype=torch.float64)
    W, U = given.dense_weights()
    dense = torch.nn.LSTM(48, 16, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        dense.weight_ih_l0.copy_(W)
        dense.weight_hh_l0.copy_(U)
    # h lies in a part of its slices, so the mega matrix with its zeros has a higher rank than `given`.
    found = FDHTLSTM.from_lstm(dense, [6, 3, 4], [4, 2, 2], [16, 6, 8, 8])
    x = torch.randn(3, 5, 48, dtype=torch.float64)
    torch.testing.assert_close(found(x)[0], dense(x)[0], rtol=1e-9, atol=1e-10)
    coarse = FDHTLSTM.from_lstm(dense, [6, 3, 4], [4, 2, 2], 2)
    optimizer = torch.optim.Adam(coarse.parameters(), lr=0.01)
    target = dense(x)[0].detach()
    losses = []
    for _ in range(10):
        loss = (coarse(x)[0] - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
