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


def hierarchical(cores, shape, inputs, outputs):
    """A second reconstruction (M, N), written from the definition: no package offers the format."""
    nested = {"balanced": [1, [2, 3]], "left": [[1, 2], 3], "right": [1, [2, 3]]}.get(str(shape), shape)
    letters = iter(string.ascii_letters)
    n, m = [next(letters) for _ in inputs], [next(letters) for _ in outputs]
    terms, arrays = [], []

    def visit(part, above):
        if isinstance(part, int):
            terms.append(n[part - 1] + m[part - 1] + above)
            arrays.append(cores[f"leaf{part}"])
            return [part]
        left, right = next(letters), next(letters)
        modes = visit(part[0], left) + visit(part[1], right)
        terms.append(above + left + right)
        arrays.append(cores["inner" + "_".join(map(str, modes)) if above else "root"])
        return modes

    visit(nested, "")
    W = np.einsum(f"{','.join(terms)}->{''.join(m)}{''.join(n)}", *arrays)
    return W.reshape(np.prod(outputs), np.prod(inputs))


def numbers(module):
    return {name: core.detach().numpy() for name, core in module.tensors().items()}


SHAPES = pytest.mark.parametrize("shape", ["balanced", "left", "right", [[1, 3], 2], [3, [2, 1]]], ids=str)


@SHAPES
def test_hierarchical_tucker_equals_one_einsum(shape):
    ours = layer("hierarchical_tucker", ranks=[2, 3, 4, 3], tree=shape)
    close(ours.dense(), hierarchical(numbers(ours), shape, N, GATED))


def recurrent(name, **parameters):
    torch.manual_seed(0)
    return baselines.build(name, **SIZES, output_modes=M, dtype=torch.float64, **parameters)


@SHAPES
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_separate_equals_two_einsums(shape, cell):
    ours = recurrent("separate", input_modes=N, ranks=[2, 3, 4, 3], state_ranks=[3, 2, 2, 2], tree=shape, cell=cell)
    gated = [{"lstm": 4, "gru": 3}[cell] * M[0], *M[1:]]
    W, U = ours.dense_weights()
    close(W, hierarchical(numbers(ours.W), shape, N, gated))
    close(U, hierarchical(numbers(ours.U), shape, M, gated))


@SHAPES
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_per_gate_equals_an_einsum_for_each_gate(shape, cell):
    ours = recurrent("per_gate", input_modes=[5, 3, 5], ranks=[2, 3, 2, 3], tree=shape, cell=cell)
    cores = numbers(ours.W)
    of_gates = ({name: core[g] for name, core in cores.items()} for g in range({"lstm": 4, "gru": 3}[cell]))
    gates = [hierarchical(of_gate, shape, [5, 3, 5], M) for of_gate in of_gates]
    close(ours.W.dense(), np.concatenate(gates))


def test_a_fully_decomposed_train_equals_tensorly():
    ours = recurrent("fully_decomposed_train", input_modes=[5, 3, 5], ranks=[2, 3])
    shapes = [(1, 5, 8, 2), (2, 3, 3, 3), (3, 5, 2, 1)]
    cores = [core.reshape(shape) for core, shape in zip(numbers(ours.W).values(), shapes, strict=True)]
    close(ours.W.dense(), tt_matrix_to_matrix(cores).T)
