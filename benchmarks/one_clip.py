"""One clip through a layer that is read from a file. As a program: the memory that this takes, as JSON; on Linux.

python -m benchmarks.one_clip FILE FRAMES SIZE DTYPE
"""

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

LIBRARIES = {".pt": "fdht.lstm", ".pt2": "torch.export", ".onnx": "onnxruntime"}


def clip(frames: int, size: int, dtype: str) -> np.ndarray:
    """Noise (1, T, D): bytes, or floats between 0 and 1."""
    pixels = np.random.default_rng(0).integers(0, 256, (1, frames, size), np.uint8)
    return pixels if dtype == "uint8" else pixels.astype(dtype) / np.asarray(255, dtype)


def opened(path: Path) -> Callable[[np.ndarray], object]:
    """The layer of a file, on one thread: pickled (.pt), a program of torch.export (.pt2) or ONNX (.onnx)."""
    if path.suffix == ".onnx":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options)
        return lambda x: session.run(None, {"x": x})
    import torch

    torch.set_num_threads(1)
    layer = torch.load(path, weights_only=False) if path.suffix == ".pt" else torch.export.load(path).module()
    return torch.no_grad()(lambda x: layer(torch.from_numpy(x)))


def memory_mb(name: str) -> float:
    """An entry of this process's status: VmRSS, what it has now, or VmHWM, what it has had at most."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name}:")) * 1024 / 1e6


def main(file: str, frames: str, size: str, dtype: str) -> None:
    path, x = Path(file), clip(int(frames), int(size), dtype)
    importlib.import_module(LIBRARIES[path.suffix])
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # VmHWM starts again from VmRSS
    before, call = memory_mb("VmRSS"), opened(path)
    for _ in range(2):
        call(x)
    peak = memory_mb("VmHWM")
    print(json.dumps({"process_mb": peak, "peak_mb": peak - before}))


if __name__ == "__main__":
    main(*sys.argv[1:])
