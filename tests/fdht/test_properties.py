"""Random shapes, ranks and trees: the product with the reconstructed matrix, and the count by formula."""

import math
import random

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import baselines
from fdht import HierarchicalTucker, TensorMap
from fdht.engine import mega_map, plans
from fdht.placement import place, suggest_modes
from fdht.tree import tree

FEW = settings(max_examples=25, deadline=None, derandomize=True, database=None)
MODES = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), min_size=2, max_size=5)


def random_tree(modes, dice):
    if len(modes) == 1:
        return modes[0]
    cut = dice.randint(1, len(modes) - 1)
    return [random_tree(modes[:cut], dice), random_tree(modes[cut:], dice)]


def check_forward(layer):
    x = torch.randn(3, layer.network.input_size, dtype=torch.float64)
    expected = x @ layer.dense().T
    for plan in plans.plans(layer.network):
        layer._planner.plan = lambda *_, plan=plan: plan
        assert (layer(x) - expected).norm() <= 1e-12 * expected.norm() + 1e-300, plan


@FEW
@given(MODES, st.integers(0, 10**6))
def test_hierarchical_tucker(pairs, seed):
    dice = random.Random(seed)
    torch.manual_seed(seed)
    order = list(range(1, len(pairs) + 1))
    dice.shuffle(order)
    shape = random_tree(order, dice)
    nodes, sizes = tree(shape, len(pairs)), [n * m for n, m in pairs]
    ranks = {}
    for node in nodes.ranked:
        inside = math.prod(sizes[mode - 1] for mode in node)
        ranks[node] = dice.randint(1, min(4, inside, math.prod(sizes) // inside))
    n, m = zip(*pairs, strict=True)
    layer = HierarchicalTucker(n, m, list(ranks.values()), shape, dtype=torch.float64)
    count = sum(sizes[k] * ranks[(k + 1,)] for k in range(len(pairs)))
    for node, (left, right) in nodes.children.items():
        count += ranks.get(node, 1) * ranks[left] * ranks[right]
    assert layer.weight_parameters == count == sum(core.numel() for core in layer.cores.values())
    check_forward(layer)


@FEW
@given(MODES, st.integers(1, 3), st.integers(1, 2), st.integers(0, 10**6))
def test_other_formats(pairs, rank, blocks, seed):
    torch.manual_seed(seed)
    n, m = zip(*pairs, strict=True)
    sizes = {"input_size": math.prod(n), "hidden_size": math.prod(m), "input_modes": n, "output_modes": m}
    pair = [a * b for a, b in zip(n, (4 * m[0], *m[1:]), strict=True)]
    bond = [min(rank, math.prod(pair[:k]), math.prod(pair[k:])) for k in range(1, len(pair))]
    tucker = [min(rank, size) for size in pair]
    declared = {
        "tensor_train": (
            baselines.declare("tensor_train", ranks=bond, **sizes),
            sum(p * a * b for p, a, b in zip(pair, [1, *bond], [*bond, 1], strict=True)),
        ),
        "block_term": (
            baselines.declare("block_term", ranks=tucker, blocks=blocks, **sizes),
            blocks * (sum(p * r for p, r in zip(pair, tucker, strict=True)) + math.prod(tucker)),
        ),
        "tensor_ring": (
            baselines.declare("tensor_ring", ranks=1, **sizes),
            sum(n) + sum(m) + 3 * m[0],
        ),
    }
    for declaration, count in declared.values():
        assert declaration.parameters()["W"] == count
        check_forward(TensorMap(declaration.W, dtype=torch.float64))


@FEW
@given(st.integers(1, 400), st.integers(1, 60), st.integers(2, 4))
def test_placement_of_any_sizes(D, H, order):
    placed = place(D, H, suggest_modes(D, H, order))
    positions = mega_map.positions(placed, torch.device("cpu")).tolist()
    assert len(set(positions)) == H
    assert min(positions) >= D
    assert max(positions) < math.prod(placed.input_modes)
    assert placed.slices * math.prod(placed.input_modes[1:]) >= D
