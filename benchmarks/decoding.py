"""Compare the speed of the frames step with a bare OpenCV loop over the same clips, with the same cores.

python -m benchmarks.decoding --dataset ucf11 --clips FOLDER --output results/benchmarks/decoding.csv

`bare` decodes, scales and converts every frame and keeps nothing: one process per core, one thread each. `bare, opencv
threads` is the same loop in a single process with OpenCV's choice of threads. `ours` is the whole step: it also starts
its workers, hashes every clip, writes the array and its journal, and computes the digest.
"""

import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Annotated

import cv2
from typer import Option

from benchmarks import measure
from workflow.datasets import frames as step
from workflow.datasets import listing
from workflow.datasets.catalogue import dataset as entry_of
from workflow.storage.command_line import command_line
from workflow.storage.errors import InputError
from workflow.storage.files import read_csv, write_csv

SIZE = (160, 120)


def loop(path: str, threads: int = 1) -> int:
    """Every frame of one clip, read, scaled and converted; the number of frames."""
    options = [cv2.CAP_PROP_N_THREADS, threads] if threads else []
    capture, n = cv2.VideoCapture(path, cv2.CAP_FFMPEG, options), 0
    while True:
        read, picture = capture.read()
        if not read:
            return n
        cv2.cvtColor(cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
        n += 1


def bare(paths: list[str], cores: int) -> int:
    if cores == 1:  # as the step does, without a process of its own
        return sum(loop(path) for path in paths)
    with ProcessPoolExecutor(cores, get_context("spawn"), cv2.setNumThreads, (1,)) as pool:  # fails if a worker dies
        return sum(pool.map(loop, paths))


def ours(listing_file: Path, cores: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        width, height = SIZE
        return step.main(listing_file, Path(folder), width=width, height=height, workers=cores)["frames_decoded"]


def compare(name: str, folder: Path, cores: Sequence[int], repetitions: int) -> list[dict]:
    """A row per implementation and number of cores."""
    rows = listing.rows(folder, listing.clips_of(entry_of(name), folder, listing.walk(folder)), {}, {})
    counts: dict[tuple[str, int], int] = {}
    decoders: dict[tuple[str, int], Callable[[], int]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "listing.csv"
        write_csv(file, listing.COLUMNS, rows)
        paths = [row["path"] for row in read_csv(file, listing.COLUMNS)]
        decoders["bare, opencv threads", os.cpu_count() or 1] = lambda: sum(loop(path, threads=0) for path in paths)
        for n in cores:
            decoders["bare", n], decoders["ours", n] = partial(bare, paths, n), partial(ours, file, n)
        calls = {key: lambda k=key, d=decode: counts.update({k: d()}) for key, decode in decoders.items()}
        timings = measure.take_turns(calls, repetitions, warm_up=0, settled=0)
    frames, *others = set(counts.values())
    if others:
        raise InputError(f"{folder}: the implementations disagree on the number of frames: {counts}")
    return [
        {
            "dataset": name,
            "implementation": implementation,
            "cores": n,
            "clips": len(rows),
            "frames": frames,
            "frames_per_second": frames / min(timing.wall),
            "of_bare": min(timings.get(("bare", n), timing).wall) / min(timing.wall),
            "min_s": min(timing.wall),
            "median_s": median(timing.wall),
            "n": repetitions,
        }
        for (implementation, n), timing in timings.items()
    ]


def main(
    clips: Annotated[Path, Option(help="folder of clips")],
    dataset: Annotated[str, Option(help="whose layout the clips are in")] = "ucf11",
    cores: Annotated[list[int] | None, Option(min=1, help="may be repeated; 1 and all by default")] = None,
    repetitions: measure.Repetitions = 3,
    output: measure.Output = measure.RESULTS / "decoding.csv",
) -> None:
    measure.record(output, [compare(dataset, clips, cores or sorted({1, os.cpu_count() or 1}), repetitions)])


if __name__ == "__main__":
    command_line(main)
