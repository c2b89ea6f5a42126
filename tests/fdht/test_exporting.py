"""Exported files give the outputs of the model for any number of sequences and steps, and are small."""

import subprocess
import sys

import onnx
import onnxruntime
import pytest
import torch
from small_models import parts, small
from torch import nn

from fdht import FDHTGRU, FDHTLSTM, HierarchicalTucker
from fdht.exporting import export

SEVERAL = (1, 1), (2, 3), (5, 8)  # sequences and steps
MODES = [6, 3, 4], [4, 2, 2]
LAYERS = {
    "lstm": lambda **options: FDHTLSTM(48, 16, *MODES, 3, **options),
    "gru": lambda **options: FDHTGRU(48, 16, *MODES, 3, **options),
    "stack": lambda **options: FDHTLSTM(48, 16, ranks=2, num_layers=2, bidirectional=True, **options),
    "bare": lambda **options: FDHTLSTM(48, 16, ranks=3, bias=False, gate_activation="hard_sigmoid", **options),
    "padded": lambda **options: FDHTLSTM(50, 14, [4, 4, 4], [7, 2, 1], 3, **options),  # x in four slices of 16
}
OTHERS = "separate", "tensor_ring", "dense"  # formats of the baselines


def drawn(layer, B, T, dtype):
    """An input for B sequences of T steps and an initial state."""
    x = torch.randint(0, 256, (B, T, layer.input_size)).to(dtype)
    state = [torch.randn(layer.states, B, layer.hidden_size, dtype=layer.W.like.dtype) for _ in "hc"]
    return x if layer.batch_first else x.transpose(0, 1).contiguous(), arranged(layer, state)


def arranged(layer, state):
    return tuple(state) if layer.cell == "lstm" else state[0]


def run(path, x, *state):
    """What onnxruntime computes."""
    session = onnxruntime.InferenceSession(path)
    assert [entry.name for entry in session.get_inputs()] == ["x", "h_0", "c_0"][: 1 + len(state)]
    given = zip(("x", "h_0", "c_0"), (x, *state), strict=False)
    return [torch.from_numpy(found) for found in session.run(None, {name: part.numpy() for name, part in given})]


@pytest.mark.parametrize("name", [*LAYERS, *OTHERS])
@torch.no_grad()
def test_onnx_equals_the_layer_in_double_precision(name, tmp_path):
    torch.manual_seed(0)
    layer = LAYERS[name](dtype=torch.float64, batch_first=name != "stack") if name in LAYERS else small(name)
    layer.normalise(1 / 255, -0.5)
    export(layer, tmp_path / "layer.onnx", *drawn(layer, 1, 1, torch.float64))
    for B, T in SEVERAL:
        x, state = drawn(layer, B, T, torch.float64)
        outputs, final = layer(x, state)
        found, *of_final = run(tmp_path / "layer.onnx", x, *parts(state))
        torch.testing.assert_close(found, outputs)
        torch.testing.assert_close(of_final, parts(final))


@torch.no_grad()
def test_files_for_pixels_hold_the_cores_alone(tmp_path):
    """In single precision, with bytes as input and without states; the program of torch.export does as ONNX."""
    torch.manual_seed(0)
    layer = FDHTLSTM(1200, 64, [6, 15, 16], [4, 4, 4], 4, batch_first=True).normalise(1 / 255, -0.5)
    paths = {kind: tmp_path / f"layer.{kind}" for kind in ("onnx", "pt2")}
    for path in paths.values():
        export(layer, path, torch.zeros(1, 1, 1200, dtype=torch.uint8))
    program = torch.export.load(paths["pt2"]).module()
    for B, T in SEVERAL:
        x, _ = drawn(layer, B, T, torch.uint8)
        outputs, (h, c) = layer(x)
        torch.testing.assert_close(run(paths["onnx"], x), [outputs, h, c])
        torch.testing.assert_close(program(x), (outputs, (h, c)))
    weights = sum(layer.weight_parameters().values())
    stored = [tensor for tensor in onnx.load(paths["onnx"]).graph.initializer if tensor.data_type == 1]
    assert weights <= sum(onnx.numpy_helper.to_array(tensor).size for tensor in stored) < weights + 16
    assert paths["onnx"].stat().st_size < 4 * weights + 20_000


def test_a_program_runs_without_this_package(tmp_path):
    layer = FDHTLSTM(48, 16, *MODES, 3)
    export(layer, tmp_path / "layer.pt2", torch.zeros(1, 1, 48))
    code = "import sys, torch; sys.modules['fdht'] = None; x = torch.ones(7, 2, 48)\n"
    code += "print(torch.export.load('layer.pt2').module()(x)[0].sum().item())"
    found = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert float(found.stdout) == pytest.approx(layer(torch.ones(7, 2, 48))[0].sum().item(), rel=1e-5)


class Classifier(nn.Module):
    def __init__(self, lstm, head):
        super().__init__()
        self.lstm, self.head = lstm, head

    def forward(self, frames):
        return self.head(self.lstm(frames)[0][:, -1])


def test_a_whole_model_is_one_file_and_stays_as_it_is(tmp_path):
    torch.manual_seed(0)
    head = nn.Sequential(nn.Dropout(), HierarchicalTucker([4, 4], [3, 2], 2, bias=True))
    model = Classifier(FDHTLSTM(48, 16, *MODES, 3, batch_first=True), head)
    export(model, tmp_path / "model.onnx", torch.zeros(1, 1, 48))
    assert model.training
    assert all(parameter.requires_grad for parameter in model.parameters())
    model.eval()
    for B, T in SEVERAL:
        x = torch.randn(B, T, 48)
        torch.testing.assert_close(run(tmp_path / "model.onnx", x), [model(x)])


def test_what_is_compiled_is_exported_as_it_was(tmp_path):
    layer, x = FDHTLSTM(48, 16, ranks=2, num_layers=2), torch.randn(5, 4, 48)
    expected = layer(x)[0]
    layer.l1 = torch.compile(layer.l1, backend="eager")
    for given in (layer, torch.compile(layer, backend="eager")):
        export(given, tmp_path / "layer.pt2", x)
        torch.testing.assert_close(torch.export.load(tmp_path / "layer.pt2").module()(x)[0], expected)


def test_what_cannot_be_exported_is_refused(tmp_path):
    x = torch.zeros(1, 1, 48)
    with pytest.raises(ValueError, match=r"path is .*layer.bin'; expected a name that ends in .onnx or .pt2"):
        export(FDHTLSTM(48, 16, ranks=2), tmp_path / "layer.bin", x)
    with pytest.raises(ValueError, match=r"model has a torch.nn.LSTM, lstm; expected none"):
        export(Classifier(nn.LSTM(48, 16), nn.Linear(16, 3)), tmp_path / "model.onnx", x)
    with pytest.raises(ValueError, match=r"x has the shape .*; expected \(T, B, D\)"):
        export(FDHTLSTM(48, 16, ranks=2), tmp_path / "layer.onnx", torch.zeros(1, 1, 40))
    assert not list(tmp_path.iterdir())
