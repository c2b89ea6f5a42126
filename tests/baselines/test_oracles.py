"""Our formats against other implementations with the same cores."""

import string
import warnings

import numpy as np
import pytest
import tensorly
import torch
from tensorly.tr_tensor import tr_to_tensor
from tensorly.tt_matrix import tt_matrix_to_matrix
from tensorly.tucker_tensor import tucker_to_tensor

import baselines
from fdht import TensorMap

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from tednet.tnn.bt_tucker import BTTLinear
    from tednet.tnn.tensor_ring import TRLinear
    from tednet.tnn.tensor_train import TTLinear

N, M = [4, 3, 5], [2, 3, 2]
SIZES = {"input_size": 60, "hidden_size": 12}
GATED = [4 * M[0], *M[1:]]


@pytest.fixture(autouse=True)
def arrays():
    """tensorly computes with numpy, whatever another test's peers have set for the whole process."""
    with tensorly.backend_context("numpy"):
        yield


def layer(name, **parameters):
    torch.manual_seed(0)
    declared = baselines.declare(name, **SIZES, input_modes=N, output_modes=M, **parameters)
    return TensorMap(declared.W, dtype=torch.float64)


def close(ours, theirs):
    theirs = torch.as_tensor(theirs)
    assert (ours - theirs).norm() <= 1e-13 * theirs.norm()


def same_outputs(ours, peer):
    x = torch.randn(7, 60, dtype=torch.float64)
    close(ours(x), peer(x).reshape(7, 48))


def test_tensor_train_equals_tednet():
    ours = layer("tensor_train", ranks=[2, 3])
    peer = TTLinear(N, GATED, [2, 3], bias=False).double()
    with torch.no_grad():
        for k, core in enumerate(ours.cores.values()):
            r = core.shape[0] if k else 1
            full = core.reshape(r, N[k], GATED[k], -1)
            getattr(peer, f"node{k}").copy_(full.permute(1, 2, 0, 3).reshape(getattr(peer, f"node{k}").shape))
    same_outputs(ours, peer)


def test_tensor_ring_equals_tednet():
    ours = layer("tensor_ring", ranks=[2, 3, 2, 3, 2, 4])
    peer = TRLinear(N, GATED, [2, 3, 2, 3, 2, 4], bias=False).double()
    with torch.no_grad():
        for k, core in enumerate(ours.cores.values()):
            getattr(peer, f"node{k}").copy_(core)
    same_outputs(ours, peer)


def test_block_term_equals_tednet():
    ours = layer("block_term", ranks=[2, 3, 2], blocks=2)
    peer = BTTLinear(N, GATED, [2, 3, 2], 2, bias=False).double()
    with torch.no_grad():
        for b in range(2):
            core = ours.cores["core"][b]
            getattr(peer, f"core_block{b}").copy_(core.permute(2, 1, 0).contiguous().view(core.shape))
            for k in range(3):
                getattr(peer, f"factor{k}_block{b}").copy_(ours.cores[f"factor{k + 1}"][b])
    same_outputs(ours, peer)


def test_tensor_train_equals_tensorly():
    ours = layer("tensor_train", ranks=[2, 3])
    shapes = [(1, 4, 8, 2), (2, 3, 3, 3), (3, 5, 2, 1)]
    cores = [core.detach().numpy().reshape(shape) for core, shape in zip(ours.cores.values(), shapes, strict=True)]
    close(ours.dense(), tt_matrix_to_matrix(cores).T)


def test_tensor_ring_equals_tensorly():
    ours = layer("tensor_ring", ranks=[2, 3, 2, 3, 2, 4])
    full = tr_to_tensor([core.detach().numpy() for core in ours.cores.values()])
    close(ours.dense(), full.reshape(60, 48).T)


def test_block_term_equals_tensorly():
    ours = layer("block_term", ranks=[2, 3, 2], blocks=2)
    total = 0
    for b in range(2):
        factors = [ours.cores[f"factor{k}"][b].detach().numpy() for k in (1, 2, 3)]
        factors = [factor.reshape(-1, factor.shape[-1]) for factor in factors]
        full = tucker_to_tensor((ours.cores["core"][b].detach().numpy(), factors))
        total = total + full.reshape(4, 8, 3, 3, 5, 2).transpose(1, 3, 5, 0, 2, 4).reshape(48, 60)
    close(ours.dense(), total)


@pytest.mark.parametrize("shape", ["balanced", "left", "right", [[1, 3], 2], [3, [2, 1]]], ids=str)
def test_hierarchical_tucker_equals_one_einsum(shape):
    """A second reconstruction, written from the definition: no package offers the format."""
    ours = layer("hierarchical_tucker", ranks=[2, 3, 4, 3], tree=shape)
    nested = {"balanced": [1, [2, 3]], "left": [[1, 2], 3], "right": [1, [2, 3]]}.get(str(shape), shape)
    letters = iter(string.ascii_letters)
    n, m = [next(letters) for _ in N], [next(letters) for _ in M]
    terms, arrays = [], []

    def visit(part, above):
        if isinstance(part, int):
            terms.append(n[part - 1] + m[part - 1] + above)
            arrays.append(ours.cores[f"leaf{part}"])
            return [part]
        left, right = next(letters), next(letters)
        modes = visit(part[0], left) + visit(part[1], right)
        terms.append(above + left + right)
        arrays.append(ours.cores["inner" + "_".join(map(str, modes)) if above else "root"])
        return modes

    visit(nested, "")
    arrays = [array.detach().numpy() for array in arrays]
    W = np.einsum(f"{','.join(terms)}->{''.join(m)}{''.join(n)}", *arrays).reshape(48, 60)
    close(ours.dense(), W)
