"""Products of bytes in integer arithmetic: as exact as float32, on every scale, forward and backward."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_models import SMALL, small

from fdht import FDHTGRU
from fdht.engine import costs, plans
from fdht.engine.apply import apply, prepare
from fdht.engine.cpu import integers

pytestmark = pytest.mark.skipif(
    not integers.available(), reason="this CPU has no exact products of bytes (AVX512-VNNI)"
)


def product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    out = b.new_empty(a.shape[0], b.shape[1])
    return integers.multiply(a, integers.split(b), out)


@given(
    st.tuples(st.integers(1, 40), st.integers(1, 700), st.integers(1, 70)), st.integers(-25, 25), st.integers(0, 2**32)
)
def test_a_product_is_off_by_less_than_float32_rounds(shape, exponent, seed):
    (R, K, N), random = shape, torch.Generator().manual_seed(seed)
    a = torch.randint(0, 256, (R, K), dtype=torch.uint8, generator=random)
    b = torch.randn(K, N, generator=random) * 10.0**exponent * torch.rand(N, generator=random)
    exact = a.double() @ b.double()
    bound = a.double().sum(1, keepdim=True) * b.abs().amax(0).double() * 2**-22
    assert ((product(a, b) - exact).abs() <= bound).all()
    assert ((product(a.T.contiguous().T, b) - exact).abs() <= bound).all()


def test_a_single_row_or_column_is_read_right_however_it_lies():
    a, b = torch.arange(200, dtype=torch.uint8), torch.randn(200, 7)
    torch.testing.assert_close(product(a.view(200, 1).mT, b), (a.float() @ b)[None], rtol=1e-5, atol=1e-3)
    torch.testing.assert_close(product(a.view(1, 200).mT, b[:1]), a.float()[:, None] * b[:1], rtol=1e-6, atol=0)


@pytest.mark.parametrize("R", [1, 8, 9, 15, 16])
def test_blocks_give_what_the_whole_gives(R, monkeypatch):
    """Also a last block of a single row, and of a matrix that lies transposed."""
    a, b = torch.randint(0, 256, (R, 50), dtype=torch.uint8), torch.randn(50, 5)
    whole = product(a, b)
    monkeypatch.setattr(integers, "SUMS", 4 * integers._width(5))
    monkeypatch.setattr(integers, "BLOCK", 7 * 5)
    assert torch.equal(product(a, b), whole)
    assert torch.equal(product(a.T.contiguous().T, b), whole)


def test_the_largest_entries_do_not_overflow():
    a = torch.full((2, integers.LONGEST), 255, dtype=torch.uint8)
    for sign in (1, -1):
        b = torch.full((integers.LONGEST, 3), sign * 0.7)
        torch.testing.assert_close(product(a, b).double(), a.double() @ b.double(), rtol=1e-6, atol=0)


def test_columns_of_zeros_and_of_the_smallest_numbers_give_zero():
    a = torch.full((2, 5), 255, dtype=torch.uint8)
    b = torch.zeros(5, 4)
    b[:, 1], b[:, 2], b[:, 3] = 1e-36, -1e-44, 1.0
    out = product(a, b)
    assert out[:, :3].abs().max() < 1e-32
    torch.testing.assert_close(out[:, 3], torch.full((2,), 5 * 255.0))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_stays_so(bad):
    b = torch.ones(5, 2)
    b[3, 1] = bad
    out = product(torch.ones(2, 5, dtype=torch.uint8), b)
    assert out[:, 0].isfinite().all()
    assert not out[:, 1].isfinite().any()


@pytest.mark.parametrize("name", SMALL)
def test_bytes_give_what_floats_give(name, monkeypatch):
    """Output and gradients of every plan, compared with float64."""
    monkeypatch.setattr(integers, "SHORTEST", 1)
    monkeypatch.setattr(integers, "SUMS", 500)
    layer = small(name, torch.float32).W
    pixels = torch.randint(0, 256, (101, layer.network.input_size), dtype=torch.uint8)
    outward = torch.randn(101, 1, layer.network.output_size)

    def results(plan, dtype):
        cores = {key: core.detach().to(dtype).requires_grad_() for key, core in layer.tensors().items()}
        y = apply(prepare(plan, layer.network, cores), pixels, (1 / 128, -1.0))
        return y, *torch.autograd.grad((y * outward).sum(), list(cores.values()))

    for plan in plans.plans(layer.network):
        for ours, exact in zip(results(plan, torch.float32), results(plan, torch.float64), strict=True):
            assert (ours - exact).norm() < 1e-5 * exact.norm(), plan


@pytest.mark.parametrize(("n", "used"), [(costs.SHORTEST - 1, False), (costs.SHORTEST, True)])
def test_short_sums_are_left_to_floats(n, used):
    assert integers.worthwhile(torch.zeros(n, 4)) == used


def test_gradients_of_more_rows_than_a_sum_holds(monkeypatch):
    x, Q = torch.randint(0, 256, (50, 7), dtype=torch.uint8), torch.randn(7, 3, requires_grad=True)
    outward = torch.randn(50, 3)
    monkeypatch.setattr(integers, "LONGEST", 8)
    (ours,) = torch.autograd.grad((integers.BytesProduct.apply(x, Q) * outward).sum(), Q)
    torch.testing.assert_close(ours, x.float().T @ outward, rtol=1e-5, atol=1e-3)


def test_second_derivatives_of_a_gru_on_pixels(monkeypatch):
    monkeypatch.setattr(integers, "SHORTEST", 1)
    layer, pixels = (
        FDHTGRU(48, 16, ranks=3).normalise(1 / 128, -1),
        torch.randint(0, 256, (3, 2, 48), dtype=torch.uint8),
    )

    def second(given):
        (gradient,) = torch.autograd.grad(given(pixels)[0].square().sum(), given.W.cores.leaf4, create_graph=True)
        return torch.autograd.grad(gradient.square().sum(), given.W.cores.leaf1)[0]

    expected = second(copy.deepcopy(layer).double())
    torch.testing.assert_close(second(layer).double(), expected, rtol=1e-3, atol=1e-4 * expected.abs().max().item())
