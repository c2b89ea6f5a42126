"""The benchmark of the kernels runs, each kernel can be switched off, and its result is that of plain operations."""

import json

import pandas as pd
import pytest
import torch
from small_models import SMALL, small

from benchmarks import cases, speed
from benchmarks.cases import Case, ours
from fdht.engine.kernels import KERNELS, enabled, without
from workflow.reporting import columns
from workflow.storage.command_line import call

DECLARED = {"format": "tensor_train", "input_size": 48, "hidden_size": 16, **SMALL["tensor_train"]}


def test_a_row_per_model_and_kernel(tmp_path, monkeypatch):
    models = {("ours", "tt_lstm"): lambda: ours(True, **DECLARED)}
    monkeypatch.setattr(cases, "cases", lambda: iter([Case("48-16", 48, 16, True, models, {"tt_lstm": DECLARED})]))
    call(speed.main, ["--kernels", "--repetitions", "2", "--batch", "16", "--output", tmp_path])
    table = pd.read_csv(tmp_path / "kernels.csv")
    assert list(table.columns) == list(columns.FILES["kernels.csv"]["columns"])
    described = json.loads((tmp_path / "kernels.csv-metadata.json").read_text())
    assert [column["name"] for column in described["tableSchema"]["columns"]] == list(table.columns)
    assert list(table.kernel) == list(KERNELS)
    assert (table.gain > 0).all()


def test_an_unknown_kernel_is_refused():
    with pytest.raises(ValueError, match="kernel is 'fast'; expected some of integers"), without("fast"):
        pass


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", SMALL)
def test_a_kernel_computes_what_plain_operations_do(name, kernel):
    layer = small(name, torch.float32).normalise(1 / 255, 0.0)
    pixels = torch.randint(0, 256, (9, 5, 48), dtype=torch.uint8)

    def results():
        outputs = layer(pixels)[0]
        return outputs, *torch.autograd.grad(outputs.square().sum(), list(layer.parameters()))

    expected = results()
    with without(kernel):
        assert not enabled(kernel)
        found = results()
    assert enabled(kernel)
    for fast, plain in zip(expected, found, strict=True):
        torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-5)
