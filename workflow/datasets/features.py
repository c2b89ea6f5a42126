"""Compute the features of a front end from every frame: <front end>.npy and <front end>.json.

    python -m workflow.datasets.features --front-end inception_v3 --frames results/paper/data/ucf11 \\
        --origin resources/inception_v3/source.json --output results/paper/data/ucf11

The array is (clips, frames, numbers per frame), in the order of clips.csv. A killed step resumes where it stopped.
"""

import argparse
import hashlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workflow.datasets.errors import DataError, command_line
from workflow.datasets.front_ends import EXTRACTED, FRONT_ENDS, FrontEnd
from workflow.datasets.progress import clips_bar
from workflow.storage import seal
from workflow.storage.files import read_csv, read_json, write_json
from workflow.storage.lock import exclusive

if TYPE_CHECKING:
    import numpy as np


def weights_of(origin: Path) -> Path:
    """The file of weights that source.json of the download step names; DataError if it has changed since."""
    seal.require(origin)
    record = read_json(origin)
    known = record["own"] or record["downloads"][0]
    weights = Path(known["path"] if record["own"] else known["file"])
    if not weights.is_file():
        raise DataError(f"{weights}: no such file; {origin} names it as the weights of {record['dataset']}")
    if "sha256" in known and seal.digest(weights) != known["sha256"]:
        raise DataError(
            f"{weights} is corrupt: its sha256 is not the one in {origin}. Delete {weights} and {origin} and rerun"
        )
    return weights


def read_frames(folder: Path) -> tuple["np.ndarray", dict[str, Any]]:
    """frames.npy (clips, frames, height, width, 3), memory-mapped, and frames.json; DataError if they do not fit."""
    import numpy as np

    array, about = folder / "frames.npy", folder / "frames.json"
    seal.require(about, ("clips.csv",))
    facts = read_json(about)
    try:
        pictures = np.load(array, mmap_mode="r")
    except (ValueError, SyntaxError) as error:  # the header of a .npy file is a Python literal
        raise DataError(f"{array} cannot be read ({error}). Delete {about} and rerun") from None
    if list(pictures.shape) != facts["shape"]:
        raise DataError(f"{array} has the shape {list(pictures.shape)}, but {about} has {facts['shape']}")
    if hashlib.sha256(pictures.data.cast("B")).hexdigest() != facts["digest"]:
        raise DataError(f"{array} is corrupt (checksum mismatch). Delete {about} and rerun")
    return pictures, facts


def run(
    front_end: FrontEnd, frames: Path, weights: Path | None, output: Path, batch: int, device: str
) -> dict[str, Any]:
    """The whole step; returns the content of <front end>.json.

    frames: the folder of the frames step. batch: frames computed at once. Rows are computed in fixed batches, aligned
    to the first row: a resumed step computes the same rows together, so their sums round alike.
    """
    import numpy as np
    import torch

    from workflow.datasets.store import Store, open_rows

    assert front_end.extractor is not None
    pictures, facts = read_frames(frames)
    n, T, height, width, _ = pictures.shape
    status = [row["status"] for row in read_csv(frames / "clips.csv", ("clip", "status"))]
    if len(status) != n:
        raise DataError(f"{frames}: frames.npy has {n} clips, clips.csv has {len(status)}")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    about = output / f"{front_end.tensor}.json"
    about.unlink(missing_ok=True)
    clips = max(1, batch // T)
    weights_sha256 = seal.digest(weights) if weights else ""
    shape = (n, T, *front_end.shape(height, width))
    key = {"frames": facts["digest"], "weights": weights_sha256, "clips": clips, "device": device}
    store = Store(about.with_suffix(".npy"), shape, front_end.dtype, key)
    features = front_end.extractor(weights, device)
    rows = open_rows(str(store.array))
    start, resumed = time.perf_counter(), len(store.done)
    bar = clips_bar("features", n, resumed)
    for first in range(0, n, clips):
        block = range(first, min(first + clips, n))
        if all(row in store.done for row in block):
            continue
        x = torch.from_numpy(np.array(pictures[block.start : block.stop])).flatten(0, 1)
        y = features(x).unflatten(0, (len(block), T)).to(getattr(torch, front_end.dtype))
        if not torch.isfinite(y).all():
            raise DataError(
                f"{front_end.name}: the features of rows {block.start} to {block.stop - 1} exceed "
                f"{front_end.dtype} (weights: {weights or 'of its package'})"
            )
        for row in block:
            if status[row] == "ok":  # the others stay zero, as their frames
                rows[row] = y[row - first].numpy()
            if row not in store.done:
                store.add(row, None)
                bar.update()
    bar.close()
    store.sync()
    seconds = time.perf_counter() - start
    content = {
        "digest": store.digest(),
        "shape": list(shape),
        "classes": facts["classes"],
        "frames_digest": facts["digest"],
        "weights_sha256": weights_sha256,
        "device": device,
    }  # nothing that differs between two equal computations: a change of this file makes runs stale
    store.finish()
    write_json(about, seal.sealed(content))
    print(f"{n} clips in {seconds:.1f} s ({(n - resumed) / seconds:.1f} clips/s)", file=sys.stderr)
    return content


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--front-end", required=True, choices=EXTRACTED)
    parser.add_argument("--frames", type=Path, required=True, help="folder that the frames step wrote")
    parser.add_argument("--origin", type=Path, help="source.json of the weights, for a front end that downloads them")
    parser.add_argument("--output", type=Path, required=True, help="folder for the two files")
    parser.add_argument("--batch", type=int, default=48, help="frames computed at once")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    options = parser.parse_args(arguments)
    front_end = FRONT_ENDS[options.front_end]
    if front_end.weights and not options.origin:
        raise DataError(f"--origin is missing; expected source.json of the weights of {front_end.name}")
    weights = weights_of(options.origin) if options.origin else None
    with exclusive(options.output / front_end.tensor):
        run(front_end, options.frames, weights, options.output, options.batch, options.device)


if __name__ == "__main__":
    command_line(main)
