"""Compute the features of a front end from every frame: <front end>.npy and <front end>.json.

The clips are decoded again, at their own resolution and with the frame numbers of the frames step; the front end sets
the size of the pictures that it sees. The array is (clips, frames, numbers per frame), in the order of clips.csv. A
killed step resumes where it stopped.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from typer import Option

from workflow.datasets import frames as step
from workflow.datasets import progress
from workflow.datasets.front_ends import EXTRACTED, FRONT_ENDS, FrontEnd
from workflow.datasets.listing import COLUMNS as LISTED
from workflow.datasets.store import Store
from workflow.storage import seal
from workflow.storage.command_line import command_line
from workflow.storage.errors import InputError
from workflow.storage.files import read_csv, read_json
from workflow.storage.gpu import automatic, gpu_problem
from workflow.storage.lock import exclusive


def weights_of(origin: Path) -> Path:
    """Return the weights file named in the download step's source.json; raise InputError if missing or changed."""
    seal.require(origin)
    known = read_json(origin)["sources"]["weights"]
    weights = Path(known["file"])
    if not weights.is_file():
        raise InputError(f"{weights}: no such file; {origin} names it as the weights. Delete {origin} and rerun")
    if "sha256" in known and seal.digest(weights) != known["sha256"]:
        raise InputError(
            f"{weights} is corrupt: its sha256 is not the one in {origin}. Delete {weights} and {origin} and rerun"
        )
    return weights


def rows_of(listing: Path, clips: Path) -> list[dict[str, str]]:
    """Return the rows of listing.csv, each with its status in clips.csv. Raises InputError if they list other clips."""
    seal.require(listing.with_name("inventory.json"), (listing.name,))
    seal.require(clips.with_name("frames.json"), (clips.name,))
    rows, decoded = read_csv(listing, LISTED), read_csv(clips, ("clip", "status"))
    if [row["clip"] for row in rows] != [row["clip"] for row in decoded]:
        raise InputError(f"{clips}: its clips are not those of {listing}; rerun the frames step")
    return [row | {"status": known["status"]} for row, known in zip(rows, decoded, strict=True)]


def decoding(front_end: FrontEnd, frames: dict[str, Any]) -> dict[str, Any]:
    """Return the options of `decode` for what a front end sees of a clip. frames: the content of frames.json."""
    options = {name: frames[name] for name in ("count", "sampling", "seed", "width", "height")}
    if front_end.extractor:
        options |= {"width": front_end.side, "height": front_end.side, "edge": front_end.edge}
    return options


def pictures(row: dict[str, str], options: dict[str, Any]) -> np.ndarray:
    """Return what a front end sees of a clip, (frames, height, width, 3); zeros if the frames step left it out."""
    if row["status"] != "ok":
        return np.zeros((options["count"], options["height"], options["width"], 3), np.uint8)
    found, decoded = step.decode_clip(row, options)
    if decoded is None:
        raise InputError(f"{row['path']}: {found['status']}, though the frames step decoded it; rerun that step")
    return decoded


def main(
    front_end: Annotated[str, Option(help=" | ".join(EXTRACTED))],
    listing: Annotated[Path, Option(help="listing.csv of the unpack step")],
    frames: Annotated[Path, Option(help="folder that the frames step wrote")],
    output: Annotated[Path, Option(help="folder for the two files")],
    origin: Annotated[Path | None, Option(help="source.json of the weights, if the front end downloads them")] = None,
    batch: Annotated[int, Option(min=1, help="frames computed at once")] = 48,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    code: Annotated[str, Option(help="digest of the step's code; another one starts again")] = "",
) -> dict[str, Any]:
    """Run the step; return the content of <front end>.json.

    Clips go in fixed blocks, counted from the first: a resumed step batches the same clips together, so its results
    are bit-identical.
    """
    chosen = FRONT_ENDS.get(front_end)
    if chosen is None or chosen.extractor is None:
        raise InputError(f"--front-end {front_end}: expected one of {', '.join(EXTRACTED)}")
    if chosen.weights and not origin:
        raise InputError(f"--origin is missing; expected source.json of the weights of {front_end}")
    weights = weights_of(origin) if origin else None
    if device == "auto":
        problem = gpu_problem()
        print(automatic(problem), file=sys.stderr)
        device = "cpu" if problem else "cuda"
    about = output / f"{chosen.tensor}.json"
    with exclusive(about.with_suffix("")), ThreadPoolExecutor() as pool:
        about.unlink(missing_ok=True)
        rows, facts = rows_of(listing, frames / "clips.csv"), read_json(frames / "frames.json")
        n, T = facts["shape"][:2]
        block = max(1, batch // T)  # clips
        inputs = {
            "frames_digest": facts["digest"],
            "weights_sha256": seal.digest(weights) if weights else "",
            "side": chosen.side,
            "edge": chosen.edge,
            "device": device,
        }
        shape = (n, T, *chosen.shape(chosen.side, chosen.side))
        store = Store(about.with_suffix(".npy"), shape, chosen.dtype, {**inputs, "block": block, "code": code})
        features, options = chosen.extractor(weights, device), decoding(chosen, facts)
        bar = progress.bar("features", n, " clips", min(n, block * len(store.done)))
        for first in (first for first in range(0, n, block) if first not in store.done):
            clips = rows[first : first + block]
            with step.unpacked_again(listing.with_name("inventory.json")):
                x = np.stack(list(pool.map(pictures, clips, repeat(options))))
            y = features(torch.from_numpy(x).flatten(0, 1))
            given = tuple(y.shape) if isinstance(y, torch.Tensor) else type(y).__name__
            if given != (wanted := (len(x) * T, *shape[2:])):
                raise InputError(f"{front_end}: its extractor returns {given}; expected a tensor {wanted}")
            y = y.unflatten(0, (-1, T)).to(getattr(torch, chosen.dtype))
            if not y.isfinite().all():
                raise InputError(
                    f"{front_end}: the features of clips {first} to {first + len(clips) - 1} are NaN or outside "
                    f"{chosen.dtype}; check the weights file ({weights or 'from its package'})"
                )
            decoded = np.array([row["status"] == "ok" for row in clips])
            store.rows[first : first + block][decoded] = y.numpy()[decoded]  # the others stay zero, like their frames
            store.add(first)
            bar.update(len(clips))
        bar.close()
        # no timestamps or paths: runs become outdated whenever this file changes
        content = {"digest": store.finish(), "shape": list(shape), "classes": facts["classes"], **inputs}
        seal.write(about, content)
    return content


if __name__ == "__main__":
    command_line(main)
