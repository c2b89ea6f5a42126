"""Assign the GPUs of a machine to its experiments: Snakemake counts GPUs but assigns none (its issue 281).

An experiment locks a device for as long as its process lives; the operating system releases it however the process
ends. If CUDA_VISIBLE_DEVICES is set, its devices are shared out; a single one, as schedulers choose for a job, is taken
as it is. Must run before CUDA starts.
"""

import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import IO

from workflow.storage.gpu import PROBLEM
from workflow.storage.lock import attempt
from workflow.storage.repository import output_of

VISIBLE = "CUDA_VISIBLE_DEVICES"
DRIVER = Path("/proc/driver/nvidia/gpus")
CHECK = "from workflow.training.environment import gpu_problem; print(gpu_problem() or '')"
JOB = os.environ.get("SLURM_JOB_ID", "0")  # which may number its devices from 0
LOCKS = Path(tempfile.gettempdir()) / f"fdht-gpu-slots-{os.getuid()}-{JOB}"  # of all Snakemake processes of a user
PAUSE = 0.5  # seconds between attempts to lock a slot


@contextmanager
def slot(wanted: str = "auto", devices: list[str] | None = None, folder: Path = LOCKS) -> Iterator[str | None]:
    """Hold a GPU within the block; yield its device, or None on CPU or if a scheduler chose the GPU.

    wanted: training.device. devices: numbers or UUIDs, this machine's by default. folder: of the locks.
    """
    devices = visible() if devices is None else devices
    chosen = os.environ.get(VISIBLE)
    if wanted == "cpu" or not devices or PROBLEM in os.environ or (chosen and len(devices) == 1):
        yield None
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    locks = {folder / f"gpu{device.replace('/', '_')}.lock": device for device in devices}  # MIG-GPU-UUID/1/0
    lock, device = _wait(locks)
    os.environ[VISIBLE] = device
    try:
        yield device
    finally:
        os.environ.pop(VISIBLE) if chosen is None else os.environ.update({VISIBLE: chosen})
        lock.close()


def visible() -> list[str]:
    """Return the devices of CUDA_VISIBLE_DEVICES, as CUDA reads it; without it all of this machine."""
    if (chosen := os.environ.get(VISIBLE)) is None:
        return present()
    return list(takewhile(lambda device: device not in ("", "-1"), (part.strip() for part in chosen.split(","))))


def present(driver: Path = DRIVER, nodes: Path = Path("/dev")) -> list[str]:
    """Return this machine's NVIDIA devices, found without starting CUDA: UUIDs if nvidia-smi runs, else numbers.

    nvidia-smi also knows what has no /proc/driver (WSL2, some containers) and the parts of a device (MIG).
    """
    devices: list[str] = []
    for uuid, kind in re.findall(r"UUID: ((GPU|MIG)-[^)]+)\)", output_of("nvidia-smi", "-L") or ""):
        if kind == "MIG" and devices and devices[-1].startswith("GPU"):
            devices.pop()  # of a divided device only the parts can be used
        devices.append(uuid)
    folders = (driver.glob("*"), nodes.glob("nvidia[0-9]*"))
    return devices or next(([str(n) for n in range(len(found))] for found in map(list, folders) if found), [])


def slots() -> int | None:
    """Return how many experiments may use this machine's GPUs at once; None without a GPU that can be used.

    Starts another process to find out, because CUDA must not start in this one, and passes the reason to the steps.
    """
    devices = visible()
    if devices and (problem := output_of(sys.executable, "-c", CHECK)):
        os.environ[PROBLEM] = problem
        return None
    return len(devices) or None


def announcement() -> str | None:
    """Return the sentence to print at the start if there are GPUs that cannot be used."""
    problem = os.environ.get(PROBLEM)
    return problem and f"the GPUs here ({len(visible())}) cannot be used, so runs compute on the CPU: {problem}"


def _wait(locks: dict[Path, str]) -> tuple[IO, str]:
    """Wait for a free device; return its lock and its device number."""
    warned = False
    while True:
        for path, device in locks.items():
            if (lock := attempt(path)) is not None:
                return lock, device
        if not warned:
            print(f"Waiting for a free GPU ({len(locks)} of {len(locks)} in use).", file=sys.stderr, flush=True)
            warned = True
        time.sleep(PAUSE)
