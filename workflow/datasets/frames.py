"""Decode every clip of a listing into one array: frames.npy, clips.csv and frames.json.

A killed step resumes where it stopped and ends with the same bytes: see store.py.
"""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import repeat
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Annotated, Any, Literal

import numpy as np
from typer import Option

from workflow.datasets import progress
from workflow.datasets.decode import GUESS_SLACK, UndecodableError, decode
from workflow.datasets.listing import COLUMNS as LISTED
from workflow.datasets.store import Store
from workflow.storage import seal
from workflow.storage.command_line import command_line
from workflow.storage.errors import InputError
from workflow.storage.files import digest, read_csv, write_csv
from workflow.storage.lock import exclusive

COLUMNS = ("clip", "class", "group", "source", "official", "frames", "fps", "width", "height", "sha256", "status")

Row = dict[str, str]  # of listing.csv
Facts = dict[str, Any]  # of one clip, see NO_FACTS
# the columns of clips.csv that decoding fills in; stated: number of frames by the container
NO_FACTS: Facts = {"frames": 0, "stated": 0, "fps": 0.0, "width": 0, "height": 0, "sha256": "", "status": "ok"}


def decode_clip(row: Row, options: dict[str, Any]) -> tuple[Facts, np.ndarray | None]:
    """Return the facts and frames (count, height, width, 3) of a clip; None for the frames if it does not decode.

    Raises DamagedError if the clip has changed since it was unpacked.
    """
    path = Path(row["path"])
    if row["sha256"] and not path.is_file():
        raise seal.DamagedError(f"{path} is missing; it was unpacked before")
    facts = dict(NO_FACTS)
    try:
        facts["sha256"] = seal.digest(path)
        if row["sha256"] not in ("", facts["sha256"]):
            raise seal.DamagedError(f"{path} is corrupt: its sha256 has changed since it was unpacked")
        frames, found = decode(path, clip=row["clip"], **options)
    except (UndecodableError, OSError) as error:
        return facts | {"status": str(error)}, None
    return facts | found, frames


@contextmanager
def unpacked_again(inventory: Path) -> Iterator[None]:
    """Add to an error about a damaged clip how to restore the clip."""
    try:
        yield
    except seal.DamagedError as error:
        raise seal.DamagedError(f"{error}. Delete {inventory} and rerun, to unpack it again") from None


def decode_all(rows: list[Row], options: dict[str, Any], store: Store, workers: int) -> list[Facts]:
    """Decode the clips that the store does not hold yet; return all rows with the facts of their clips."""
    facts: dict[int, Facts] = dict(store.done)
    if facts:
        print(f"resuming: {len(facts)} of {len(rows)} clips are decoded already", file=sys.stderr)
    left = [number for number in range(len(rows)) if number not in facts]
    # processes, as a clip may crash FFmpeg; spawned, not forked, as the caller may have threads
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_exit_with_parent)
    decoded = (map if workers == 1 else pool.map)(decode_clip, [rows[number] for number in left], repeat(options))
    try:
        with progress.bar("frames", len(rows), " clips", len(facts)) as bar:
            for number, (found, frames) in zip(left, decoded, strict=True):
                facts[number] = found
                if frames is not None:  # a clip that fails stays zero and is tried again: it may be repaired
                    store.rows[number] = frames
                    store.add(number, found)
                bar.update()
    except BrokenProcessPool:
        waiting = [rows[number]["path"] for number in left if number not in facts]
        raise InputError(
            "a decoding process was killed, for lack of memory or by a damaged clip; the next clips were "
            f"{', '.join(waiting[:workers])}, ..."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)
    return [row | facts[number] for number, row in enumerate(rows)]


def _exit_with_parent() -> None:
    """Start a thread that ends this process if its parent is killed; it would wait for its next clip forever."""

    def watch(parent: Any) -> None:
        parent.join()
        os._exit(1)

    Thread(target=watch, args=[parent_process()], daemon=True).start()


def check_undecodable(clips: list[Facts], limit: float) -> int:
    """Return the number of clips that do not decode.

    Raises InputError if their share exceeds `limit` or if no clip of a class decodes.
    """
    failed = [f"{clip['path']}: {clip['status']}" for clip in clips if clip["status"] != "ok"]
    for clip in failed:
        print(f"left out: {clip}", file=sys.stderr)
    if len(failed) > limit * len(clips):
        raise InputError(
            f"{len(failed)} of {len(clips)} clips do not decode; at most the share {limit:g} may fail "
            f"(`max_undecodable`). The first is {failed[0]}"
        )
    if empty := {clip["class"] for clip in clips} - {clip["class"] for clip in clips if clip["status"] == "ok"}:
        raise InputError(f"class {min(empty)!r}: none of its clips decodes; expected at least one")
    return len(failed)


def shortened(clips: list[Facts]) -> dict[str, str]:
    """Return the number of frames of each clip that lost some, by clip; containers are off by a few anyway."""
    lost = [clip for clip in clips if clip["status"] == "ok" and clip["stated"] - clip["frames"] > GUESS_SLACK]
    for clip in lost:
        print(f"shortened: {clip['path']}: {clip['frames']} of {clip['stated']} frames decode", file=sys.stderr)
    return {clip["clip"]: f"{clip['frames']} of {clip['stated']} frames" for clip in lost}


def main(
    listing: Annotated[Path, Option(help="listing.csv of the unpack step")],
    output: Annotated[Path, Option(help="folder for frames.npy, clips.csv, frames.json")],
    count: Annotated[int, Option(min=1, help="frames per clip; the largest number with sampling all")] = 6,
    sampling: Literal["linspace", "random", "all"] = "linspace",
    width: Annotated[int, Option(min=1)] = 160,
    height: Annotated[int, Option(min=1)] = 120,
    seed: Annotated[int, Option(help="of the sampling random")] = 0,
    workers: Annotated[int, Option(min=1, help="processes")] = 1,
    max_undecodable: Annotated[float, Option(help="share of the clips that may fail to decode")] = 0.01,
    code: Annotated[str, Option(help="digest of the step's code; another one starts again")] = "",
) -> dict[str, Any]:
    """Run the step; return the content of frames.json."""
    inventory = listing.with_name("inventory.json")
    seal.require(inventory, ("listing.csv",))
    rows = read_csv(listing, LISTED)
    if not rows:
        raise InputError(f"{listing}: lists no clip; expected at least one")
    options = {"count": count, "sampling": sampling, "width": width, "height": height, "seed": seed}
    # a replaced clip has another size or time, and is decoded again
    stats = [path.stat() if path.is_file() else None for path in (Path(row["path"]) for row in rows)]
    versions = digest([(stat.st_size, stat.st_mtime_ns) if stat else None for stat in stats])
    key = {**options, "listing": seal.digest(listing), "files": versions, "code": code}
    shape = (len(rows), count, height, width, 3)
    with exclusive(output / "frames"):
        for name in ("frames.json", "clips.csv", "frames.npy"):  # may be of other options
            (output / name).unlink(missing_ok=True)
        store = Store(output / "frames.npy", shape, "uint8", key)
        with unpacked_again(inventory):
            clips = decode_all(rows, options, store, workers)
        undecodable = check_undecodable(clips, max_undecodable)
        write_csv(output / "clips.csv", COLUMNS, [{name: clip[name] for name in COLUMNS} for clip in clips])
        content = {
            "digest": store.finish(),
            "shape": list(shape),
            "classes": sorted({row["class"] for row in rows}),
            **options,
            "undecodable": undecodable,
            "shortened": shortened(clips),
            "frames_decoded": sum(clip["frames"] for clip in clips),
        }  # no timestamps or paths: runs become outdated whenever this file changes
        seal.write(output / "frames.json", content, ["clips.csv"])
    return content


if __name__ == "__main__":
    command_line(main)
