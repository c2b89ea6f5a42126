"""Compare the speed of the frames step with a bare OpenCV loop over the same clips, with the same cores.

python -m benchmarks.decoding --dataset ucf11 --clips FOLDER --output results/benchmarks/decoding.csv

`bare` decodes, scales and converts every frame and keeps nothing: one process per core, one thread each. `ours` is the
whole step: it also starts its workers, hashes every clip, writes the array and its journal, and computes the digest.
"""

import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Annotated

import cv2
from typer import Option

from benchmarks import measure
from benchmarks.options import Output, Repetitions
from workflow.datasets import frames as step
from workflow.datasets import listing
from workflow.datasets.catalogue import dataset as entry_of
from workflow.storage.command_line import command_line
from workflow.storage.errors import InputError
from workflow.storage.files import read_csv, write_csv

SIZE = (160, 120)


def loop(path: str) -> int:
    """Every frame of one clip, read, scaled and converted; the number of frames."""
    capture, n = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1]), 0
    while (picture := capture.read()[1]) is not None:
        cv2.cvtColor(cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
        n += 1
    return n


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
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "listing.csv"
        write_csv(file, listing.COLUMNS, rows)
        paths = [row["path"] for row in read_csv(file, listing.COLUMNS)]
        decoders = {("bare", n): partial(bare, paths, n) for n in cores}
        decoders |= {("ours", n): partial(ours, file, n) for n in cores}
        calls = {key: lambda k=key, d=decode: counts.update({k: d()}) for key, decode in decoders.items()}
        timings = measure.take_turns(calls, repetitions, warm_up=0, settled=0)
    frames, *others = set(counts.values())
    if others:
        raise InputError(f"{folder}: the implementations disagree on the number of frames: {counts}")
    table = []
    for (implementation, n), timing in timings.items():
        best = min(timing.wall)
        about = {"dataset": name, "implementation": implementation, "cores": n, "clips": len(rows), "frames": frames}
        speed = {"frames_per_second": frames / best, "of_bare": min(timings["bare", n].wall) / best}
        table.append({**about, **speed, "min_s": best, "median_s": median(timing.wall), "n": repetitions})
    return table


def main(
    clips: Annotated[Path, Option(help="folder of clips")],
    dataset: Annotated[str, Option(help="whose layout the clips are in")] = "ucf11",
    cores: Annotated[list[int] | None, Option(min=1, help="may be repeated; 1 and all by default")] = None,
    repetitions: Repetitions = 3,
    output: Output = measure.RESULTS / "decoding.csv",
) -> None:
    measure.record(output, [compare(dataset, clips, cores or sorted({1, os.cpu_count() or 1}), repetitions)])


if __name__ == "__main__":
    command_line(main)
