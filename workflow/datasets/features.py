"""The inception_v3 front end: Inception-v3 features of every frame, features.npy and features.json.

    python -m workflow.datasets.features --frames results/paper/data/ucf11 --output results/paper/data/ucf11
    \\
        --origin resources/inception_v3/source.json

features.npy is float16, (clips, frames, 2048), in the rows of clips.csv. A killed run goes on where it
stopped.
"""

import argparse
import hashlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workflow.datasets.errors import DataError, command_line
from workflow.datasets.files import file_digest, read_csv, read_json, write_json
from workflow.datasets.progress import clips_bar
from workflow.storage import seal
from workflow.storage.lock import exclusive


def weights_of(origin: Path) -> Path:
    """The file of weights that source.json of the download step names, if it is what was downloaded."""
    seal.require(origin)
    record = read_json(origin)
    known = record["own"] or record["parts"][0]
    weights = Path(known["path"] if record["own"] else known["file"])
    if weights.is_file() and "sha256" in known and file_digest(weights) != known["sha256"]:
        raise DataError(
            f"{weights} is damaged, {origin} says another sha256; remove {weights} and {origin} and start again"
        )
    return weights


def run(frames: Path, weights: Path, output: Path, batch: int, device: str) -> dict[str, Any]:
    """The whole step; returns the content of features.json.

    Rows are computed in fixed batches, aligned to the first row: the same rows stand together in a resumed
    run, and so the sums come out the same.
    """
    import numpy as np
    import torch

    from workflow.datasets.inception import FEATURES, extractor, features
    from workflow.datasets.store import Store, open_rows

    seal.require(frames / "frames.json", ("clips.csv",))
    facts = read_json(frames / "frames.json")
    status = [row["status"] for row in read_csv(frames / "clips.csv", ("clip", "status"))]
    about = frames / "frames.json"
    try:
        pictures = np.load(frames / "frames.npy", mmap_mode="r")
    except (ValueError, SyntaxError) as error:  # the header of an array is a Python literal
        raise DataError(f"{frames / 'frames.npy'} cannot be read ({error}); remove {about} and start again") from None
    if list(pictures.shape) != facts["shape"] or len(status) != len(pictures):
        raise DataError(f"{frames}: frames.npy has shape {pictures.shape}, frames.json says {facts['shape']}")
    if hashlib.sha256(pictures.data.cast("B")).hexdigest() != facts["digest"]:
        raise DataError(f"{frames / 'frames.npy'} is damaged, its digest is another; remove {about} and start again")
    if not weights.is_file():
        raise DataError(f"{weights}: no such file; expected the weights of Inception-v3")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    n, T = pictures.shape[:2]
    clips = max(1, batch // T)
    (output / "features.json").unlink(missing_ok=True)
    key = {"frames": facts["digest"], "weights": file_digest(weights), "clips": clips, "device": device}
    store = Store(output / "features.npy", (n, T, FEATURES), "float16", key)
    net = extractor(weights, device)
    rows = open_rows(str(store.array))
    start, resumed = time.perf_counter(), len(store.done)
    bar = clips_bar("features", n, resumed)
    for first in range(0, n, clips):
        block = range(first, min(first + clips, n))
        if all(row in store.done for row in block):
            continue
        x = torch.from_numpy(np.array(pictures[block.start : block.stop])).flatten(0, 1)
        y = features(net, x).unflatten(0, (len(block), T))
        if not torch.isfinite(y.half()).all():
            raise DataError(f"{weights}: features of rows {block.start} to {block.stop - 1} exceed float16")
        for row in block:
            if status[row] == "ok":  # the others stay zero, as their frames
                rows[row] = y[row - first].half().numpy()
            if row not in store.done:
                store.add(row, None)
                bar.update()
    bar.close()
    store.sync()
    seconds = time.perf_counter() - start
    content = {
        "digest": store.digest(),
        "shape": [n, T, FEATURES],
        "classes": facts["classes"],
        "frames_digest": facts["digest"],
        "weights_sha256": key["weights"],
        "device": device,
    }  # nothing that differs between two runs of the same: the runs' staleness hangs on this file
    store.finish()
    write_json(output / "features.json", seal.sealed(content))
    print(f"{n} clips in {seconds:.1f} s ({(n - resumed) / seconds:.1f} clips/s)", file=sys.stderr)
    return content


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=Path, required=True, help="folder that the frames step wrote")
    parser.add_argument("--origin", type=Path, required=True, help="source.json of --dataset inception_v3")
    parser.add_argument("--output", type=Path, required=True, help="folder for the two files")
    parser.add_argument("--batch", type=int, default=48, help="frames at once")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    options = parser.parse_args(arguments)
    weights = weights_of(options.origin)
    with exclusive(options.output / "features"):
        run(options.frames, weights, options.output, options.batch, options.device)


if __name__ == "__main__":
    command_line(main)
