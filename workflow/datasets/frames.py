"""Decode every clip of a listing into one array: frames.npy, clips.csv and frames.json.

    python -m workflow.datasets.frames --listing .../listing.csv --output results/demo/data/demo \\
        --count 6 --width 160 --height 120 --sampling linspace --workers 2 --max-undecodable 0.01

A killed step resumes where it stopped and ends with the same bytes: see store.py.
"""

import argparse
import hashlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

from workflow.datasets import listing
from workflow.datasets.errors import DataError, command_line
from workflow.datasets.progress import clips_bar
from workflow.datasets.store import Store
from workflow.storage import seal
from workflow.storage.files import read_csv, write_csv, write_json
from workflow.storage.lock import exclusive

COPIED = ("clip", "class", "group", "source", "official")  # from the listing
COLUMNS = (*COPIED, "frames", "fps", "width", "height", "sha256", "status")
SAMPLINGS = ("linspace", "random", "all")

Row = dict[str, str]  # of listing.csv
Facts = dict[str, Any]  # of one clip: its columns of clips.csv that decoding fills in


@dataclass(frozen=True)
class FrameOptions:
    """How clips become frames. Another value of any of them gives another array."""

    count: int
    sampling: str
    width: int
    height: int
    seed: int = 0  # of the sampling `random`

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return (self.count, self.height, self.width, 3)


def decode_into(array: str, number: int, row: Row, options: FrameOptions) -> Facts:
    """Decode the clip of a row of the listing into row `number` of the array file. Runs in a worker process.

    Raises DamagedError if the clip has changed since it was unpacked.
    """
    from workflow.datasets.decode import UndecodableError, decode
    from workflow.datasets.store import open_rows

    path = Path(row["path"])
    if row["sha256"] and not path.is_file():
        raise seal.DamagedError(f"{path} is missing; it was unpacked before")
    facts: Facts = {"frames": 0, "fps": 0.0, "width": 0, "height": 0, "sha256": "", "status": "ok"}
    try:
        facts["sha256"] = seal.digest(path)
        if row["sha256"] not in ("", facts["sha256"]):
            raise seal.DamagedError(f"{path} is corrupt: its sha256 has changed since it was unpacked")
        key = f"{options.seed}:{row['clip']}"
        decoded = decode(path, options.count, options.sampling, options.width, options.height, key)
    except (UndecodableError, OSError) as error:
        return facts | {"status": str(error)}
    open_rows(array)[number] = decoded.frames
    return facts | {"frames": decoded.count, "fps": decoded.fps, "width": decoded.width, "height": decoded.height}


def decode_all(rows: list[Row], options: FrameOptions, store: Store, workers: int) -> list[Facts]:
    """Decode the clips that the store does not hold yet; the facts of all clips, in the order of `rows`."""
    facts = _decoded_before(store)
    bar = clips_bar("frames", len(rows), len(facts))
    jobs = [(str(store.array), number, row, options) for number, row in enumerate(rows) if number not in facts]
    results = _in_processes(jobs, workers) if workers > 1 else ((job[1], decode_into(*job)) for job in jobs)
    for number, found in results:
        facts[number] = found
        store.add(number, found)
        bar.update()
    bar.close()
    store.sync()
    return [facts[number] for number in range(len(rows))]


def _decoded_before(store: Store) -> dict[int, Facts]:
    """The clips that an earlier run decoded. Those that failed are tried again: they may have been repaired."""
    return {number: facts for number, facts in store.done.items() if facts["status"] == "ok"}


def _in_processes(jobs: list[tuple[str, int, Row, FrameOptions]], workers: int) -> Iterator[tuple[int, Facts]]:
    """The number and facts of each clip as it is decoded."""
    # spawned, not forked: the caller may have threads
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker) as pool:
        waiting = {pool.submit(decode_into, *job): job for job in jobs}
        try:
            for future in as_completed(list(waiting)):
                facts = future.result()
                yield waiting.pop(future)[1], facts
        except BrokenProcessPool:
            paths = sorted(row["path"] for _, _, row, _ in waiting.values())
            raise DataError(
                "a decoding process was killed, by a lack of memory or by a clip; the next clips were "
                f"{', '.join(paths[:workers])}, ..."
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    import cv2

    cv2.setNumThreads(1)  # the processes are the parallelism
    Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    """Without this, a worker whose parent was killed would wait for its next clip forever."""
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


def check_undecodable(rows: list[Row], facts: list[Facts], limit: float) -> int:
    """The number of undecodable clips; DataError if their share exceeds `limit` or no clip of a class decodes."""
    failed = [(row, fact) for row, fact in zip(rows, facts, strict=True) if fact["status"] != "ok"]
    for row, fact in failed:
        print(f"left out: {row['path']}: {fact['status']}", file=sys.stderr)
    if len(failed) > limit * len(rows):
        row, fact = failed[0]
        raise DataError(
            f"{len(failed)} of {len(rows)} clips do not decode; at most the share {limit:g} may fail "
            f"(`max_undecodable`). The first is {row['path']}: {fact['status']}"
        )
    decoded = {row["class"] for row, fact in zip(rows, facts, strict=True) if fact["status"] == "ok"}
    if empty := {row["class"] for row in rows} - decoded:
        raise DataError(f"class {min(empty)!r}: none of its clips decodes; expected at least one")
    return len(failed)


def run(listing_file: Path, output: Path, options: FrameOptions, workers: int, limit: float) -> dict[str, Any]:
    """The whole step; returns the content of frames.json. limit: share of the clips that may fail to decode."""
    inventory = listing_file.with_name("inventory.json")
    seal.require(inventory, ("listing.csv",))
    rows = read_csv(listing_file, listing.COLUMNS)
    if not rows:
        raise DataError(f"{listing_file}: lists no clip; expected at least one")
    key = {**asdict(options), "listing": seal.digest(listing_file), "files": _versions(rows)}
    with exclusive(output / "frames"):
        for name in ("frames.json", "clips.csv", "frames.npy"):  # may be of other options
            (output / name).unlink(missing_ok=True)
        store = Store(output / "frames.npy", (len(rows), *options.shape), "uint8", key)
        try:
            return _fill(store, rows, output, options, workers, limit)
        except seal.DamagedError as error:
            raise seal.DamagedError(f"{error}. Delete {inventory} and rerun, to unpack it again") from None


def _fill(
    store: Store, rows: list[Row], output: Path, options: FrameOptions, workers: int, limit: float
) -> dict[str, Any]:
    """Decode what the store lacks; write clips.csv, frames.npy and frames.json and return the content of the last."""
    resumed = len(_decoded_before(store))
    if resumed:
        print(f"resuming: {resumed} of {len(rows)} clips are decoded already", file=sys.stderr)
    start = time.perf_counter()
    facts = decode_all(rows, options, store, workers)
    seconds = time.perf_counter() - start
    undecodable = check_undecodable(rows, facts, limit)
    content = {
        "digest": store.digest(),
        "shape": [len(rows), *options.shape],
        "classes": sorted({row["class"] for row in rows}),
        **asdict(options),
        "undecodable": undecodable,
        "frames_decoded": sum(fact["frames"] for fact in facts),
    }  # nothing that differs between two equal decodings: a change of this file makes runs stale
    table = [{**{name: row[name] for name in COPIED}, **fact} for row, fact in zip(rows, facts, strict=True)]
    write_csv(output / "clips.csv", COLUMNS, table)
    store.finish()
    write_json(output / "frames.json", seal.sealed(content, {"clips.csv": seal.digest(output / "clips.csv")}))
    rate = (len(rows) - resumed) / seconds
    print(f"{len(rows)} clips in {seconds:.1f} s ({rate:.1f} clips/s), {undecodable} left out", file=sys.stderr)
    return content


def _versions(rows: list[Row]) -> str:
    """One digest of the sizes and times of all clips, so that a replaced clip is decoded again."""
    stats = [path.stat() if path.is_file() else None for path in (Path(row["path"]) for row in rows)]
    text = " ".join(f"{stat.st_size}:{stat.st_mtime_ns}" if stat else "-" for stat in stats)
    return hashlib.sha256(text.encode()).hexdigest()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listing", type=Path, required=True, help="listing.csv of the unpack step")
    parser.add_argument("--output", type=Path, required=True, help="folder for frames.npy, clips.csv, frames.json")
    parser.add_argument("--count", type=int, default=6, help="frames per clip; the largest number with sampling all")
    parser.add_argument("--width", type=int, default=160)
    parser.add_argument("--height", type=int, default=120)
    parser.add_argument("--sampling", choices=SAMPLINGS, default="linspace")
    parser.add_argument("--seed", type=int, default=0, help="of the sampling random")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--max-undecodable", type=float, default=0.01, help="share of the clips")
    given = parser.parse_args(arguments)
    for name in ("count", "width", "height", "workers"):
        if getattr(given, name) < 1:
            raise DataError(f"--{name} {getattr(given, name)}: expected at least 1")
    options = FrameOptions(given.count, given.sampling, given.width, given.height, given.seed)
    run(given.listing, given.output, options, given.workers, given.max_undecodable)


if __name__ == "__main__":
    command_line(main)
