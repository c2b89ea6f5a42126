"""torch.export and torch.compile give the numbers of eager mode, without a graph break."""

import pytest
import torch
from small_models import parts, small

from fdht import FDHTLSTM, HierarchicalTucker

# torch's word on the speed of Python 3.13.0 itself, mended in 3.13.1
pytestmark = pytest.mark.filterwarnings("ignore:Guards may run slower on Python 3.13.0:RuntimeWarning")
PIXELS = torch.arange(3 * 4 * 48, dtype=torch.uint8).view(3, 4, 48)


@pytest.fixture(autouse=True)
def _fresh_compiler():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize("name", ["fully_decomposed", "tensor_ring", "per_gate", "separate"])
def test_export_serves_any_batch(name, tmp_path):
    layer = small(name, dtype=torch.float32).normalise(1 / 128, -1.0)
    batch = torch.export.Dim("batch", min=2, max=64)
    program = torch.export.export(layer, (PIXELS,), dynamic_shapes=({0: batch},))
    torch.export.save(program, tmp_path / "layer.pt2")
    loaded = torch.export.load(tmp_path / "layer.pt2").module()
    for x in (PIXELS, PIXELS.repeat(5, 1, 1)):
        torch.testing.assert_close(loaded(x)[0], layer(x)[0])


def test_export_serves_a_stack_of_any_lengths():
    layer, batch = FDHTLSTM(48, 16, ranks=2, num_layers=2, bidirectional=True), torch.export.Dim("batch", min=2, max=64)
    x, lengths = torch.randn(4, 3, 48), torch.tensor([4, 2, 3])
    shapes = {"x": {1: batch}, "initial_state": None, "lengths": {0: batch}}
    program = torch.export.export(layer, (x, None, lengths), dynamic_shapes=shapes).module()
    for given in ((x, None, lengths), (x.repeat(1, 5, 1), None, lengths.repeat(5))):
        torch.testing.assert_close(program(*given)[0], layer(*given)[0])


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_compiled_training_step_equals_eager(cell):
    layer = small("fully_decomposed", cell=cell).normalise(0.5, 0.25)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    x, lengths = torch.randn(3, 4, 48, dtype=torch.float64), torch.tensor([4, 2, 3])
    results = []
    for call in (layer, compiled):
        outputs, final = call(x, lengths=lengths)
        loss = outputs.square().sum() + sum(part.sum() for part in parts(final))
        results.append((outputs, *torch.autograd.grad(loss, list(layer.parameters()))))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_dropout_may_change_from_call_to_call():
    layer, x = FDHTLSTM(48, 16, ranks=2), torch.randn(2, 2, 48)
    compiled = torch.compile(layer, fullgraph=True, backend="eager")
    for p in (0.1, 0.2, 0.3):
        torch.manual_seed(0)
        outputs = compiled(x, dropout_input=p, dropout_recurrent=p)[0]
        torch.manual_seed(0)
        torch.testing.assert_close(outputs, layer(x, dropout_input=p, dropout_recurrent=p)[0])


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")  # which torch's compiler reads
def test_a_layer_of_a_stack_may_be_compiled_alone():
    layer, x = FDHTLSTM(48, 16, ranks=2, num_layers=3), torch.randn(3, 2, 48)
    expected, calls = layer(x), []
    layer.l1 = torch.compile(layer.l1, fullgraph=True, backend=lambda graph, _: calls.append(graph) or graph)
    outputs, (h, c) = layer(x)
    assert calls
    torch.testing.assert_close((outputs, (h, c)), expected)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")  # of torch's own, when its compiler is loaded
def test_inductor_equals_eager():
    torch.manual_seed(0)
    layer = HierarchicalTucker([4, 5, 6], [2, 2, 2], ranks=2)
    x = torch.randn(7, 120)
    torch.testing.assert_close(torch.compile(layer, fullgraph=True)(x), layer(x))
