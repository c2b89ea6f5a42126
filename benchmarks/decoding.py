"""Speed of the frames step beside a bare OpenCV loop over the same clips, with the same cores.

    python -m benchmarks.decoding --dataset ucf11 --clips FOLDER --output results/benchmarks/decoding.csv

`bare` decodes, scales and converts every frame and keeps nothing: one process a core, one thread each. `bare, opencv
threads` is the same loop in a single process with as many threads as OpenCV likes. `ours` is the whole step: it also
starts its workers, hashes every clip, writes the array and its journal, and takes the digest. The implementations
take turns, so that other work on the machine slows all of them alike.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from workflow.datasets import frames as step
from workflow.datasets import listing
from workflow.datasets.catalogue import dataset
from workflow.datasets.errors import DataError, command_line
from workflow.storage.files import read_csv, write_csv

COLUMNS = ("dataset", "implementation", "cores", "clips", "frames", "frames_per_second", "min_s", "median_s", "n")
SIZE = (160, 120)


def loop(path: str, threads: int = 1) -> int:
    """Every frame of one clip, read, scaled and converted; the number of frames."""
    import cv2

    options = [cv2.CAP_PROP_N_THREADS, threads] if threads else []
    capture, n = cv2.VideoCapture(path, cv2.CAP_FFMPEG, options), 0
    while True:
        read, picture = capture.read()
        if not read:
            return n
        cv2.cvtColor(cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
        n += 1


def one_thread() -> None:
    import cv2

    cv2.setNumThreads(1)


def bare(paths: list[str], cores: int) -> int:
    if cores == 1:  # as the step does, without a process of its own
        return sum(loop(path) for path in paths)
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn"), initializer=one_thread) as pool:
        return sum(pool.map(loop, paths))


def bare_threads(paths: list[str], cores: int) -> int:
    return sum(loop(path, threads=0) for path in paths)


def ours(listing_file: Path, cores: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        width, height = SIZE
        return step.main(listing_file, Path(folder), width=width, height=height, workers=cores)["frames_decoded"]


def seconds(call: Callable[[], int]) -> tuple[float, int]:
    start = time.perf_counter()
    frames = call()
    return time.perf_counter() - start, frames


def measure(name: str, folder: Path, cores: Sequence[int], repeats: int) -> list[dict]:
    """A row for each implementation and number of cores."""
    entry = dataset(name)
    rows = listing.rows(folder, listing.clips_of(entry, folder, listing.walk(folder)), {}, {})
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "listing.csv"
        write_csv(file, listing.COLUMNS, rows)
        paths = [row["path"] for row in read_csv(file, listing.COLUMNS)]
        calls = {("bare, opencv threads", os.cpu_count() or 1): lambda: bare_threads(paths, 0)}
        for n in cores:
            calls[("bare", n)] = lambda n=n: bare(paths, n)
            calls[("ours", n)] = lambda n=n: ours(file, n)
        times: dict[tuple[str, int], list[float]] = {key: [] for key in calls}
        frames = {}
        for _ in range(repeats):
            for key, call in calls.items():
                taken, frames[key] = seconds(call)
                times[key].append(taken)
    if len(set(frames.values())) != 1:
        raise DataError(f"{folder}: the implementations disagree on the number of frames: {frames}")
    return [
        {
            "dataset": name,
            "implementation": implementation,
            "cores": n,
            "clips": len(rows),
            "frames": frames[implementation, n],
            "frames_per_second": round(frames[implementation, n] / min(taken), 1),
            "min_s": round(min(taken), 3),
            "median_s": round(statistics.median(taken), 3),
            "n": repeats,
        }
        for (implementation, n), taken in times.items()
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="ucf11", help="whose layout the clips are in")
    parser.add_argument("--clips", type=Path, required=True, help="folder of clips")
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks/decoding.csv"))
    parser.add_argument("--cores", type=int, nargs="+", default=sorted({1, os.cpu_count() or 1}))
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args(arguments)
    rows = measure(options.dataset, options.clips, options.cores, options.repeats)
    write_csv(options.output, COLUMNS, rows)
    speed = {(row["implementation"], row["cores"]): row["frames_per_second"] for row in rows}
    for row in rows:
        ratio = row["frames_per_second"] / speed.get(("bare", row["cores"]), float("nan"))
        what = f"{row['dataset']}, {row['implementation']}, {row['cores']} cores"
        print(f"{what}: {row['frames_per_second']:.0f} frames/s, {ratio:.2f} of bare", file=sys.stderr)


if __name__ == "__main__":
    command_line(main)
