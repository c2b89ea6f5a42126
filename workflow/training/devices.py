"""Which GPU a run may use, when nobody else says so: Snakemake counts GPUs but assigns none (its issue 281).

Every run takes the lock of a slot of a device for as long as its process lives; the operating system releases it
however the process ends. `jobs per GPU` slots a device. Where a scheduler has set CUDA_VISIBLE_DEVICES, its choice
stands. Must happen before CUDA starts.
"""

import fcntl
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

VISIBLE = "CUDA_VISIBLE_DEVICES"
JOBS = "REPRODUCE_JOBS_PER_GPU"  # environment variable; 1 where it is not set
DRIVER = Path("/proc/driver/nvidia/gpus")
PAUSE = 0.5  # seconds between two rounds over the locks


@contextmanager
def slot(wanted: str = "auto", devices: list[str] | None = None, folder: Path | None = None) -> Iterator[str | None]:
    """Hold a slot within the block; yields the device's number, None where there is nothing to choose.

    wanted: training.device. devices: those of this machine where None; tests give their own.
    """
    devices = present() if devices is None else devices
    if wanted == "cpu" or VISIBLE in os.environ or not devices:
        yield None
        return
    lock, device = _wait(devices, _jobs_per_device(), folder or lock_folder())
    os.environ[VISIBLE] = device
    try:
        yield device
    finally:
        del os.environ[VISIBLE]
        lock.close()


def present(driver: Path = DRIVER) -> list[str]:
    """Numbers of the NVIDIA devices of this machine, without starting CUDA."""
    try:
        return [str(number) for number in range(len(list(driver.iterdir())))]
    except OSError:
        return sorted(path.name[6:] for path in Path("/dev").glob("nvidia[0-9]*"))


def slots() -> int | None:
    """Runs that may use this machine's devices at a time; None where there is nothing to share out."""
    devices = [] if VISIBLE in os.environ else present()
    return len(devices) * _jobs_per_device() if devices else None


def lock_folder() -> Path:
    """One for all Snakemake processes of a user on a machine."""
    return Path(tempfile.gettempdir()) / f"fdht-gpu-slots-{os.getuid()}"


def _jobs_per_device() -> int:
    text = os.environ.get(JOBS, "1")
    if not re.fullmatch(r"[1-9]\d*", text):
        sys.exit(f"error: {JOBS} is {text!r}, expected a whole number from 1 on")
    return int(text)


def _wait(devices: list[str], jobs: int, folder: Path) -> tuple[IO, str]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    told = False
    while True:
        for number in range(jobs):  # every device gets its first run before any gets its second
            for device in devices:
                if (lock := _try(folder / f"gpu{device}-{number}.lock")) is not None:
                    return lock, device
        if not told:
            print(f"all {len(devices) * jobs} GPU slots are taken; waiting", file=sys.stderr, flush=True)
            told = True
        time.sleep(PAUSE)


def _try(path: Path) -> IO | None:
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
