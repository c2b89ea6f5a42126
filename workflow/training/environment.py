"""environment.json: the machine and the software that a run's numbers may depend on. Torch-free."""

import os
import platform
import resource
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("torch", "numpy", "safetensors", "scikit-learn", "scipy", "snakemake")
SCHEDULER = ("JOB_ID", "ARRAY_JOB_ID", "ARRAY_TASK_ID", "RESTART_COUNT", "JOB_PARTITION")
SWITCHES = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def capture() -> dict[str, Any]:
    """What is known without torch; the device is described by `device.describe`."""
    return {
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "system": f"{platform.system()} {platform.release()}",
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "git": {
            "commit": output_of("git", "rev-parse", "HEAD"),
            "dirty": bool(output_of("git", "status", "--porcelain")),
        },
        "variables": {name: os.environ[name] for name in SWITCHES if name in os.environ},
        "scheduler": {name: os.environ[name] for part in SCHEDULER if (name := f"SLURM_{part}") in os.environ},
    }


def cpu_name() -> str:
    """Name of the processor, for result.json."""
    return f"CPU {_cpu_model()}".strip()


def peak_memory_mb() -> float:
    """The largest memory of this process, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def output_of(*command: str) -> str:
    """Standard output of a command in the project's folder; empty if it fails or does not exist."""
    try:
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
