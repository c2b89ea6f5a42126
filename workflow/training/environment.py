"""What a run's numbers may depend on: machine, software, device, and the settings that make results reproducible.

Importing this module does not import torch.
"""

import os
import platform
import resource
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workflow.storage import repository, surroundings
from workflow.storage.gpu import automatic, gpu_problem
from workflow.training.errors import RunFailure, log

if TYPE_CHECKING:
    import torch

PACKAGES = ("torch", "numpy", "safetensors", "scikit-learn", "scipy", "snakemake")
SCHEDULER = ("JOB_ID", "ARRAY_JOB_ID", "ARRAY_TASK_ID", "RESTART_COUNT", "JOB_PARTITION")


def capture() -> dict[str, Any]:
    """Return what environment.json records without torch; `describe` returns the rest."""
    return {
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "system": f"{platform.system()} {platform.release()}",
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "git": {"commit": repository.commit(), "dirty": repository.dirty(*repository.CODE)},
        "variables": surroundings.recorded(),
        "scheduler": {name: os.environ[name] for part in SCHEDULER if (name := f"SLURM_{part}") in os.environ},
    }


def prepare(wanted: str, precision: str, say: Callable[[str], None] = log) -> "tuple[torch.device, str]":
    """Choose the device and make its results reproducible; return it and the precision in use.

    wanted: "auto" and "cuda" take a GPU if there is one; raise RunFailure if "cuda" finds none. A CPU has no tf32, and
    needs no settings: with the same number of threads, its kernels add in the same order. say: prints a sentence.
    """
    import torch

    unusable = None if wanted == "cpu" else gpu_problem()
    if wanted == "cuda" and unusable:
        raise RunFailure(f"training.device is 'cuda', but no GPU can be used: {unusable}")
    if wanted == "auto":
        say(automatic(unusable))
    if wanted != "cpu" and not unusable:
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
        torch.backends.cudnn.benchmark = False
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS starts, at the first product
        return torch.device("cuda"), precision
    if precision == "tf32":
        say("precision tf32 needs a GPU; computing in float32")
        precision = "float32"
    return torch.device("cpu"), precision


def on_gpu(wanted: str) -> bool:
    """Return whether a run with the setting `device: wanted` uses a GPU."""
    return wanted != "cpu" and gpu_problem() is None


def describe(device: "torch.device") -> dict[str, Any]:
    """Return what environment.json records with torch: device, driver, settings that affect reproducibility."""
    import torch

    about: dict[str, Any] = {
        "device": device_name(device),
        "gpu_problem": None if device.type == "cuda" else gpu_problem(),
        "torch_build": torch.__version__,  # +cpu, +cu130 ...: the package's version may lack that
        "threads": torch.get_num_threads(),
        "determinism": {
            "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
            "warn_only": torch.is_deterministic_algorithms_warn_only_enabled(),
            "matmul_precision": torch.get_float32_matmul_precision(),
        },
    }
    if device.type == "cuda":
        drivers = repository.output_of("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader") or ""
        about |= {"cuda": torch.version.cuda, "driver": drivers.partition("\n")[0]}
        about["determinism"] |= {
            "cudnn_deterministic": torch.backends.cudnn.deterministic,
            "cudnn_benchmark": torch.backends.cudnn.benchmark,
            "cublas_workspace": os.environ.get("CUBLAS_WORKSPACE_CONFIG", ""),
        }
    return about


def device_name(device: "torch.device | None" = None) -> str:
    """Return the name of the GPU or processor, for result.json."""
    if device is not None and device.type == "cuda":
        import torch

        return torch.cuda.get_device_name(device)
    return f"CPU {_cpu_model()}".strip()


def peak_memory_mb() -> float:
    """Return the peak memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # training itself does not need Snakemake
        return None


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
