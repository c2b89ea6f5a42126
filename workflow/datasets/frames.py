"""Decode every clip of a listing into one array: frames.npy, clips.csv and frames.json.

    python -m workflow.datasets.frames --listing .../listing.csv --output results/demo/data/demo \\
        --count 6 --width 160 --height 120 --sampling linspace --workers 2 --max-undecodable 0.01

A killed run goes on where it stopped and ends with the same bytes: see store.py.
"""

import argparse
import hashlib
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

from workflow.datasets import listing
from workflow.datasets.errors import DataError, command_line
from workflow.datasets.files import file_digest, read_csv, write_csv, write_json
from workflow.datasets.progress import clips_bar
from workflow.datasets.store import Store
from workflow.storage import seal
from workflow.storage.lock import exclusive

COLUMNS = (
    "clip", "class", "group", "source", "official", "frames", "fps", "width", "height", "sha256", "status",
)  # fmt: skip
SAMPLINGS = ("linspace", "random", "all")
AHEAD = 4  # clips waiting for each worker, so that none is idle and a kill loses little


@dataclass(frozen=True)
class Settings:
    """How clips become frames; a change of any of them makes another array."""

    count: int
    sampling: str
    width: int
    height: int
    seed: int = 0  # of the sampling `random`

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return (self.count, self.height, self.width, 3)


def decode_into(array: str, row: int, listed: dict[str, str], settings: Settings) -> dict[str, Any]:
    """Decode one clip of the listing into row `row` of the array file; its part of clips.csv. Runs in a worker.

    DamagedError where it is not what came out of the archive.
    """
    from workflow.datasets.decode import UndecodableError, decode
    from workflow.datasets.store import open_rows

    path = Path(listed["path"])
    if listed["sha256"] and not path.is_file():
        raise seal.DamagedError(f"{path} is missing, it was unpacked once")
    facts: dict[str, Any] = {"frames": 0, "fps": 0.0, "width": 0, "height": 0, "sha256": "", "status": "ok"}
    try:
        facts["sha256"] = file_digest(path)
        if listed["sha256"] not in ("", facts["sha256"]):
            raise seal.DamagedError(f"{path} is damaged, its sha256 is not that of what was unpacked")
        key = f"{settings.seed}:{listed['clip']}"
        decoded = decode(path, settings.count, settings.sampling, settings.width, settings.height, key)
    except (UndecodableError, OSError) as error:
        return facts | {"status": str(error)}
    open_rows(array)[row] = decoded.frames
    return facts | {
        "frames": decoded.count, "fps": decoded.fps, "width": decoded.width, "height": decoded.height
    }  # fmt: skip


def extract(rows: list[dict[str, str]], settings: Settings, store: Store, workers: int) -> list[dict[str, Any]]:
    """Decode what the store does not hold yet; the facts of every clip, in order of `rows`."""
    facts = _finished_before(store)
    bar = clips_bar("frames", len(rows), len(facts))
    for row, found in _parallel(rows, settings, store, workers, facts.keys()):
        facts[row] = found
        store.add(row, found)
        bar.update()
    bar.close()
    store.sync()
    return [facts[row] for row in range(len(rows))]


def _finished_before(store: Store) -> dict[int, dict[str, Any]]:
    """What an earlier run decoded; clips that failed then are tried again, they may have been mended."""
    return {row: said for row, said in store.done.items() if said["status"] == "ok"}


def _parallel(
    rows: list[dict[str, str]], settings: Settings, store: Store, workers: int, done: Iterable[int]
) -> Iterator[tuple[int, dict[str, Any]]]:
    todo = sorted(set(range(len(rows))) - set(done))
    jobs = [(str(store.array), row, rows[row], settings) for row in todo]
    if workers == 1:
        for job in jobs:
            yield job[1], decode_into(*job)
        return
    # processes of their own, not forks: the caller may have threads
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start) as pool:
        running = {}
        try:
            for job in jobs:
                running[pool.submit(decode_into, *job)] = job[1]
                if len(running) >= workers * AHEAD:
                    yield from _finished(running)
            while running:
                yield from _finished(running)
        except BrokenProcessPool:
            at_work = ", ".join(sorted(rows[row]["path"] for row in running.values())[:workers])
            raise DataError(
                f"a process that decodes was killed, for want of memory or by a clip; at work were {at_work}, ..."
            ) from None


def _finished(running: dict) -> Iterator[tuple[int, dict[str, Any]]]:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        found = future.result()
        yield running.pop(future), found


def _start() -> None:
    import cv2

    cv2.setNumThreads(1)  # the processes are the parallelism
    Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """A worker whose parent was killed would wait for its next clip for ever."""
    connection.wait([parent_process().sentinel])
    os._exit(1)


def judge(rows: list[dict[str, str]], facts: list[dict[str, Any]], limit: float) -> int:
    """The number of undecodable clips; DataError if their share is over `limit` or a class has no other."""
    failed = [(row, fact) for row, fact in zip(rows, facts, strict=True) if fact["status"] != "ok"]
    for row, fact in failed:
        print(f"left out: {row['path']}: {fact['status']}", file=sys.stderr)
    if len(failed) > limit * len(rows):
        row, fact = failed[0]
        raise DataError(
            f"{len(failed)} of {len(rows)} clips do not decode, allowed is a share of {limit:g} "
            f"(`max_undecodable`); the first is {row['path']}: {fact['status']}"
        )
    empty = {row["class"] for row in rows} - {
        row["class"] for row, fact in zip(rows, facts, strict=True) if fact["status"] == "ok"
    }
    if empty:
        raise DataError(f"class {min(empty)!r}: none of its clips decodes; expected at least one")
    return len(failed)


def run(listing_file: Path, output: Path, settings: Settings, workers: int, limit: float) -> dict[str, Any]:
    """The whole step; returns the content of frames.json."""
    seal.require(listing_file.with_name("inventory.json"), ("listing.csv",))
    rows = read_csv(listing_file, listing.COLUMNS)
    if not rows:
        raise DataError(f"{listing_file}: lists no clip; expected at least one")
    key = {**asdict(settings), "listing": file_digest(listing_file), "files": _versions(rows)}
    with exclusive(output / "frames"):
        try:
            return _decode(rows, output, settings, key, workers, limit)
        except seal.DamagedError as error:
            cure = f"remove {listing_file.with_name('inventory.json')} and start again, and it is unpacked anew"
            raise seal.DamagedError(f"{error}; {cure}") from None


def _decode(
    rows: list[dict[str, str]], output: Path, settings: Settings, key: dict[str, Any], workers: int, limit: float
) -> dict[str, Any]:
    for name in ("frames.json", "clips.csv", "frames.npy"):  # of earlier settings; not to be taken for these
        (output / name).unlink(missing_ok=True)
    store = Store(output / "frames.npy", (len(rows), *settings.shape), "uint8", key)
    resumed = len(_finished_before(store))
    if resumed:
        print(f"{resumed} of {len(rows)} clips are decoded already", file=sys.stderr)
    start = time.perf_counter()
    facts = extract(rows, settings, store, workers)
    seconds = time.perf_counter() - start
    undecodable = judge(rows, facts, limit)
    table = [{**{c: row[c] for c in COLUMNS if c in row}, **fact} for row, fact in zip(rows, facts, strict=True)]
    content = {
        "digest": store.digest(),
        "shape": [len(rows), *settings.shape],
        "classes": sorted({row["class"] for row in rows}),
        **asdict(settings),
        "undecodable": undecodable,
        "frames_decoded": sum(fact["frames"] for fact in facts),
    }  # nothing that differs between two runs that decode the same: the runs' staleness hangs on this file
    write_csv(output / "clips.csv", COLUMNS, table)
    store.finish()
    write_json(output / "frames.json", seal.sealed(content, {"clips.csv": seal.digest(output / "clips.csv")}))
    rate = (len(rows) - resumed) / seconds
    print(f"{len(rows)} clips in {seconds:.1f} s ({rate:.1f} clips/s), {undecodable} left out", file=sys.stderr)
    return content


def _versions(rows: list[dict[str, str]]) -> str:
    """One value for the sizes and times of all clips: one that was replaced since is decoded again."""
    stats = [path.stat() if path.is_file() else None for path in (Path(row["path"]) for row in rows)]
    text = " ".join(f"{stat.st_size}:{stat.st_mtime_ns}" if stat else "-" for stat in stats)
    return hashlib.sha256(text.encode()).hexdigest()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listing", type=Path, required=True, help="listing.csv of the unpack step")
    parser.add_argument("--output", type=Path, required=True, help="folder for frames.npy, clips.csv, frames.json")
    parser.add_argument("--count", type=int, default=6, help="frames a clip; the cap where sampling is all")
    parser.add_argument("--width", type=int, default=160)
    parser.add_argument("--height", type=int, default=120)
    parser.add_argument("--sampling", choices=SAMPLINGS, default="linspace")
    parser.add_argument("--seed", type=int, default=0, help="of the sampling random")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--max-undecodable", type=float, default=0.01, help="share of the clips")
    options = parser.parse_args(arguments)
    for name in ("count", "width", "height", "workers"):
        if getattr(options, name) < 1:
            raise DataError(f"--{name} {getattr(options, name)}: expected at least 1")
    settings = Settings(options.count, options.sampling, options.width, options.height, options.seed)
    run(options.listing, options.output, settings, options.workers, options.max_undecodable)


if __name__ == "__main__":
    command_line(main)
