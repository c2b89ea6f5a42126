"""Compute the features of a front end from every frame: <front end>.npy and <front end>.json.

    python -m workflow.datasets.features --front-end inception_v3 --frames results/paper/data/ucf11 \\
        --origin resources/inception_v3/source.json --output results/paper/data/ucf11

The array is (clips, frames, numbers per frame), in the order of clips.csv. A killed step resumes where it stopped.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from typer import Option

from workflow.datasets.errors import DataError
from workflow.datasets.front_ends import EXTRACTED, FRONT_ENDS, FrontEnd
from workflow.datasets.progress import clips_bar
from workflow.datasets.store import Store, digest
from workflow.storage import seal
from workflow.storage.command_line import command_line
from workflow.storage.files import read_csv, read_json, write_json
from workflow.storage.lock import exclusive


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


def read_frames(folder: Path) -> tuple[np.ndarray, dict[str, Any]]:
    """frames.npy (clips, frames, height, width, 3), memory-mapped, and frames.json; DataError if they do not fit."""
    array, about = folder / "frames.npy", folder / "frames.json"
    seal.require(about, ("clips.csv",))
    facts = read_json(about)
    try:
        pictures = np.load(array, mmap_mode="r")
    except (ValueError, SyntaxError) as error:  # the header of a .npy file is a Python literal
        raise DataError(f"{array} cannot be read ({error}). Delete {about} and rerun") from None
    if list(pictures.shape) != facts["shape"]:
        raise DataError(f"{array} has the shape {list(pictures.shape)}, but {about} has {facts['shape']}")
    if digest(pictures) != facts["digest"]:
        raise DataError(f"{array} is corrupt (checksum mismatch). Delete {about} and rerun")
    return pictures, facts


def run(
    front_end: FrontEnd, frames: Path, weights: Path | None, output: Path, batch: int, device: str
) -> dict[str, Any]:
    """The whole step; returns the content of <front end>.json.

    frames: the folder of the frames step. batch: frames computed at once. Clips are computed in fixed blocks, aligned
    to the first clip: a resumed step computes the same clips together, so their sums round alike.
    """
    assert front_end.extractor is not None
    pictures, facts = read_frames(frames)
    n, T, height, width, _ = pictures.shape
    undecodable = np.array([row["status"] != "ok" for row in read_csv(frames / "clips.csv", ("clip", "status"))])
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    about = output / f"{front_end.tensor}.json"
    about.unlink(missing_ok=True)
    block = max(1, batch // T)  # clips
    origin = {"frames_digest": facts["digest"], "weights_sha256": seal.digest(weights) if weights else ""}
    shape = (n, T, *front_end.shape(height, width))
    key = {**origin, "block": block, "device": device}
    store = Store(about.with_suffix(".npy"), shape, front_end.dtype, key)
    features = front_end.extractor(weights, device)
    bar = clips_bar("features", n, min(n, block * len(store.done)))
    for first in (first for first in range(0, n, block) if first not in store.done):
        clips = slice(first, min(first + block, n))
        x = torch.from_numpy(np.array(pictures[clips])).flatten(0, 1)
        y = features(x).unflatten(0, (-1, T)).to(getattr(torch, front_end.dtype)).numpy()
        if not np.isfinite(y).all():
            raise DataError(
                f"{front_end.name}: the features of rows {first} to {clips.stop - 1} exceed "
                f"{front_end.dtype} (weights: {weights or 'of its package'})"
            )
        y[undecodable[clips]] = 0  # as their frames
        store.rows[clips] = y
        store.add(first)
        bar.update(len(y))
    bar.close()
    store.sync()
    content = {
        "digest": digest(store.rows),
        "shape": list(shape),
        "classes": facts["classes"],
        **origin,
        "device": device,
    }  # nothing that differs between two equal computations: a change of this file makes runs stale
    store.finish()
    write_json(about, seal.sealed(content))
    return content


def main(
    front_end: Annotated[str, Option(help=" | ".join(EXTRACTED))],
    frames: Annotated[Path, Option(help="folder that the frames step wrote")],
    output: Annotated[Path, Option(help="folder for the two files")],
    origin: Annotated[Path | None, Option(help="source.json of the weights, if the front end downloads them")] = None,
    batch: Annotated[int, Option(min=1, help="frames computed at once")] = 48,
    device: Literal["auto", "cpu", "cuda"] = "auto",
) -> None:
    if front_end not in EXTRACTED:
        raise DataError(f"--front-end {front_end}: expected one of {', '.join(EXTRACTED)}")
    chosen = FRONT_ENDS[front_end]
    if chosen.weights and not origin:
        raise DataError(f"--origin is missing; expected source.json of the weights of {chosen.name}")
    with exclusive(output / chosen.tensor):
        run(chosen, frames, weights_of(origin) if origin else None, output, batch, device)


if __name__ == "__main__":
    command_line(main)
