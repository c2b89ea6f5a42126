"""Assign the GPUs of a machine to its runs: Snakemake counts GPUs but assigns none (its issue 281).

A run locks a slot of a device for as long as its process lives; the operating system releases it however the process
ends. A device has as many slots as REPRODUCE_JOBS_PER_GPU says. If a scheduler has set CUDA_VISIBLE_DEVICES, its
choice stands. Must run before CUDA starts.
"""

import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from workflow.storage.lock import attempt

VISIBLE = "CUDA_VISIBLE_DEVICES"
JOBS = "REPRODUCE_JOBS_PER_GPU"  # environment variable, 1 by default
DRIVER = Path("/proc/driver/nvidia/gpus")
LOCKS = Path(tempfile.gettempdir()) / f"fdht-gpu-slots-{os.getuid()}"  # of all Snakemake processes of a user
PAUSE = 0.5  # seconds between attempts to lock a slot


@contextmanager
def slot(wanted: str = "auto", devices: list[str] | None = None, folder: Path = LOCKS) -> Iterator[str | None]:
    """Hold a GPU slot within the block; yield its device number, or None on CPU or if a scheduler chose the GPU.

    wanted: training.device. devices: numbers, this machine's by default. folder: of the locks.
    """
    devices = present() if devices is None else devices
    if wanted == "cpu" or VISIBLE in os.environ or not devices:
        yield None
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # every device gets its first run before any gets its second
    locks = {folder / f"gpu{device}-{n}.lock": device for n in range(_jobs_per_device()) for device in devices}
    lock, device = _wait(locks)
    os.environ[VISIBLE] = device
    try:
        yield device
    finally:
        del os.environ[VISIBLE]
        lock.close()


def present(driver: Path = DRIVER) -> list[str]:
    """Return the numbers of this machine's NVIDIA devices, found without starting CUDA."""
    try:
        return [str(number) for number in range(len(list(driver.iterdir())))]
    except OSError:
        return sorted(path.name[6:] for path in Path("/dev").glob("nvidia[0-9]*"))


def slots() -> int | None:
    """Return how many runs may use this machine's GPUs at once; None without a GPU or if a scheduler chose it."""
    devices = [] if VISIBLE in os.environ else present()
    return len(devices) * _jobs_per_device() if devices else None


def _jobs_per_device() -> int:
    text = os.environ.get(JOBS, "1")
    if not re.fullmatch(r"[1-9]\d*", text):
        sys.exit(f"error: {JOBS} is {text!r}; expected a positive integer")
    return int(text)


def _wait(locks: dict[Path, str]) -> tuple[IO, str]:
    """Wait for a free slot; return its lock and its device number."""
    warned = False
    while True:
        for path, device in locks.items():
            if (lock := attempt(path)) is not None:
                return lock, device
        if not warned:
            print(f"Waiting for a free GPU ({len(locks)} of {len(locks)} in use).", file=sys.stderr, flush=True)
            warned = True
        time.sleep(PAUSE)
