"""FDHT-LSTM next to the dense LSTM on a small device: file, memory and time of one clip on one thread.

python -m benchmarks.devices [--case 57600-256] [--frames 6 --frames 16] [--repetitions 25]

runtime     PyTorch; the program that torch.export writes; ONNX Runtime. torch.nn.LSTM can be exported for one number of
            frames only; it gets pixels as float32, made beforehand, ours gets them as uint8
file_kb     size of the pickled layer, the program, the ONNX file
process_mb  largest resident memory of a separate process that does nothing else
peak_mb     the same, minus what is resident once the libraries are imported
*_ms        times of calls; all models and runtimes take turns in one process; processor_ms: processor time
load        load average of the machine during the last minute of a measurement
"""

import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Annotated

import pandas as pd
import torch
from tabulate import tabulate
from torch import nn
from typer import Option

import baselines
from benchmarks import cases, measure
from benchmarks.one_clip import clip, opened
from fdht.exporting import export
from workflow.storage.command_line import command_line
from workflow.training import environment

RUNTIMES = {".pt": "pytorch", ".pt2": "torch.export", ".onnx": "onnxruntime"}
LAYER = {"input_modes": [6, 16, 16], "output_modes": [4, 8, 8], "ranks": 8}  # fdht_lstm of config/reference.yaml
LAYER |= {"format": "fully_decomposed", "input_size": 1280, "hidden_size": 256}
FEATURES = cases.Case("1280-256", 1280, 256, False, {}, {"fdht_lstm": LAYER})
CASES = {case.name: case for case in (next(cases.cases()), FEATURES)}
ROOT = Path(__file__).resolve().parents[1]


def files(case: cases.Case, frames: int, folder: Path) -> Iterator[tuple[str, str, Path, int]]:
    """Model, dtype of its input, file and weights of every model and runtime; the files are written to `folder`."""
    torch.manual_seed(0)
    ours = baselines.build(**case.declared["fdht_lstm"]).normalise(1 / 255 if case.raw else 1, 0)
    dense = nn.LSTM(case.input_size, case.hidden_size, batch_first=True).requires_grad_(False)
    for model, layer in (("fdht_lstm", ours), ("lstm", dense)):
        dtype = "uint8" if case.raw and layer is ours else "float32"
        x = torch.from_numpy(clip(frames, case.input_size, dtype))
        weights = sum(weight.numel() for name, weight in layer.named_parameters() if "bias" not in name)
        for suffix in RUNTIMES:
            path = folder / f"{model}{suffix}"
            if suffix == ".pt":
                torch.save(layer, path)
            elif layer is ours:
                export(layer, path, x)
            else:
                dense_file(layer, path, x)
            yield model, dtype, path, weights


def dense_file(layer: nn.LSTM, path: Path, x: torch.Tensor) -> None:
    """torch.nn.LSTM, exported for the number of frames of x."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about torch's own code
        program = torch.export.export(layer, (x,))
        program.example_inputs = None  # as `export` does
        if path.suffix == ".pt2":
            torch.export.save(program, path)
        else:
            torch.onnx.export(program, f=path, input_names=["x"], verbose=False, external_data=False)


def memory(path: Path, frames: int, size: int, dtype: str) -> dict[str, float]:
    """process_mb and peak_mb of one clip."""
    command = [sys.executable, "-m", "benchmarks.one_clip", path, str(frames), str(size), dtype]
    return json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)


def compare(case: cases.Case, frames: int, repetitions: int) -> list[dict]:
    """A row per model and runtime."""
    rows, calls = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for model, dtype, path, weights in files(case, frames, Path(folder)):
            row = {"case": case.name, "model": model, "runtime": RUNTIMES[path.suffix], "frames": frames}
            row |= {"weights": weights, "file_kb": path.stat().st_size / 1e3}
            rows.append(row | memory(path, frames, case.input_size, dtype))
            calls[len(calls)] = partial(opened(path), clip(frames, case.input_size, dtype))
    timings = measure.take_turns(calls, repetitions)
    for row, timing in zip(rows, timings.values(), strict=True):
        row["median_ms"], row["min_ms"] = timing.median_ms, timing.min_ms
        row["q1_ms"], _, row["q3_ms"] = (1e3 * quartile for quartile in quantiles(timing.wall, n=4))
        row |= {"processor_ms": 1e3 * median(timing.processor), "n": repetitions}
        row |= {"load": os.getloadavg()[0], "device": processor()}
    return rows


def processor() -> str:
    """The model of the CPU and the number of its cores."""
    machine = environment.capture()
    return f"{machine['cpu']}, {machine['cores']} cores"


def main(
    output: Annotated[Path, Option(help="CSV file")] = measure.RESULTS / "devices.csv",
    case: Annotated[list[str] | None, Option(help="such as 57600-256; may be repeated; all by default")] = None,
    frames: Annotated[list[int], Option(min=1, help="of the clip; may be repeated")] = [6, 16],  # noqa: B006
    repetitions: Annotated[int, Option(min=2, help="measured calls of each model and runtime")] = 25,
) -> None:
    torch.set_num_threads(1)
    names = measure.chosen("--case", case, CASES)
    measure.record(output, (compare(CASES[name], size, repetitions) for name in names for size in frames))
    table = pd.read_csv(output).drop(columns=["device", "load", "n"])
    print(tabulate(table, headers="keys", tablefmt="github", floatfmt=".4g", intfmt=",", showindex=False))


if __name__ == "__main__":
    command_line(main)
