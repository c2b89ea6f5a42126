"""The device that a run computes on, and the switches that make its results reproducible."""

import os
from typing import Any

import torch

from workflow.training import environment
from workflow.training.errors import RunFailure
from workflow.training.progress import log


def choose(wanted: str) -> torch.device:
    """Return a GPU if there is one (auto, cuda), else the CPU. Raises RunFailure if cuda is asked for and missing."""
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise RunFailure("training.device is 'cuda', but this machine (or this job) has no usable GPU")
    return torch.device("cuda" if available and wanted != "cpu" else "cpu")


def make_deterministic(device: torch.device, precision: str) -> str:
    """Let the same specification give the same bytes, and return the precision in use; a CPU has no tf32.

    A CPU needs no switch: with the same number of threads its kernels add in the same order.
    """
    if device.type == "cuda":
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
        torch.backends.cudnn.benchmark = False
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS starts, at the first product
    elif precision == "tf32":
        log("precision tf32 needs a GPU; computing in float32")
        return "float32"
    return precision


def name(device: torch.device) -> str:
    """Name of the GPU or of the processor, for result.json."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else environment.cpu_name()


def describe(device: torch.device) -> dict[str, Any]:
    """For environment.json: device, driver and the switches that affect reproducibility."""
    about: dict[str, Any] = {
        "device": name(device),
        "torch_build": torch.__version__,  # +cpu, +cu130 ...: the package's version may lack that
        "threads": torch.get_num_threads(),
        "determinism": {
            "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
            "warn_only": torch.is_deterministic_algorithms_warn_only_enabled(),
            "matmul_precision": torch.get_float32_matmul_precision(),
        },
    }
    if device.type == "cuda":
        driver = environment.output_of("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
        about |= {"cuda": torch.version.cuda, "driver": driver.split("\n")[0]}
        about["determinism"] |= {
            "cudnn_deterministic": torch.backends.cudnn.deterministic,
            "cudnn_benchmark": torch.backends.cudnn.benchmark,
            "cublas_workspace": os.environ.get("CUBLAS_WORKSPACE_CONFIG", ""),
        }
    return about
