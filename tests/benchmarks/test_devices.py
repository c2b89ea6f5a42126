"""The benchmark of small devices runs, and its files compute what the layer does (its speeds are not tested)."""

import numpy as np
import pandas as pd
import pytest
import torch
from small_models import SMALL

from benchmarks import cases, devices, one_clip
from workflow.reporting import columns
from workflow.storage.command_line import call

LAYER = {"format": "fully_decomposed", "input_size": 48, "hidden_size": 16, **SMALL["fully_decomposed"]}
CASE = cases.Case("48-16", 48, 16, True, {}, {"fdht_lstm": LAYER})


@pytest.mark.slow
def test_a_small_run(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(devices, "CASES", {CASE.name: CASE})
    output = tmp_path / "devices.csv"
    call(devices.main, ["--output", output, "--frames", "3", "--repetitions", "2"])
    table = pd.read_csv(output)
    assert list(table.columns) == list(columns.FILES["devices.csv"]["columns"])
    runtimes = ["pytorch", "torch.export", "onnxruntime"]
    assert list(zip(table["model"], table["runtime"], strict=True)) == [
        (model, runtime) for model in ("fdht_lstm", "lstm") for runtime in runtimes
    ]
    assert table.groupby("model")["weights"].unique().map(list).to_dict() == {"fdht_lstm": [366], "lstm": [64 * 64]}
    assert (table["process_mb"] > table["peak_mb"]).all()
    assert (table[["peak_mb", "file_kb"]] > 0).all(axis=None)
    assert ((table["min_ms"] <= table["median_ms"]) & (table["n"] == 2)).all()
    assert table["device"].str.endswith("cores").all()
    assert "| 48-16  | lstm      | onnxruntime  |" in capfd.readouterr().out


@pytest.mark.slow
def test_all_runtimes_compute_the_same(tmp_path):
    found: dict[str, list[torch.Tensor]] = {}
    for model, dtype, path, _ in devices.files(CASE, 3, tmp_path):
        outputs = one_clip.opened(path)(one_clip.clip(3, 48, dtype))
        found.setdefault(model, []).append(torch.as_tensor(np.asarray(outputs[0])))
    for first, *others in found.values():
        assert len(others) == 2
        for other in others:
            torch.testing.assert_close(other, first)
