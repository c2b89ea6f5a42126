"""Tiny synthetic data in the files that the data steps write: moving bars whose direction is the class."""

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from workflow.storage import seal

CLASSES = ["down", "left", "right", "up"]
GROUPS = 4
PER_GROUP = 3
T, HEIGHT, WIDTH = 4, 8, 10


def frames(label: int, group: int, number: int) -> np.ndarray:
    """(T, HEIGHT, WIDTH, 3) uint8: a bright bar that moves on a background of the group's."""
    draw = np.random.default_rng([label, group, number])
    clip = np.full((T, HEIGHT, WIDTH, 3), 20 * group, np.uint8)
    clip += draw.integers(0, 10, clip.shape, dtype=np.uint8)
    start = draw.integers(0, 3)
    for t in range(T):
        at = (start + 2 * t) % (HEIGHT if label in (0, 3) else WIDTH)
        at = at if label in (0, 2) else -1 - at
        if label in (0, 3):
            clip[t, at] = 220
        else:
            clip[t, :, at] = 220
    return clip


def write(folder: Path, sampling: str = "linspace", part_of=None) -> Path:
    """frames.npy, frames.json, clips.csv and splits.csv below `folder`; `part_of(label, group)` names the part."""
    folder.mkdir(parents=True, exist_ok=True)
    part_of = part_of or (lambda label, group: {0: "test", 1: "validation"}.get(group, "train"))
    points = [(label, g, n) for label in range(len(CLASSES)) for g in range(GROUPS) for n in range(PER_GROUP)]
    array = np.stack([frames(*point) for point in points])
    np.save(folder / "frames.npy", array)
    about = {"digest": hashlib.sha256(array.tobytes()).hexdigest(), "shape": list(array.shape)}
    (folder / "frames.json").write_text(json.dumps(seal.sealed(about | {"classes": CLASSES, "sampling": sampling})))
    clips = [f"{CLASSES[label]}/v_{CLASSES[label]}_{g:02}/{n}, a.avi" for label, g, n in points]
    with (folder / "clips.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["clip", "class", "group", "source", "frames", "status"])
        for clip, (label, g, n) in zip(clips, points, strict=True):
            source = f"{CLASSES[label]}_{g}"
            writer.writerow([clip, CLASSES[label], g, source, 2 + n if sampling == "all" else 30, "ok"])
    parts = [(clip, part_of(label, g)) for clip, (label, g, _) in zip(clips, points, strict=True)]
    with (folder / "splits.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["protocol", "fold", "clip", "part"])
        writer.writerows(["group", 0, clip, part] for clip, part in parts)
    text = "".join(sorted(f"{clip}\t{part}\n" for clip, part in parts))
    digests = {"group/0": hashlib.sha256(text.encode()).hexdigest()}
    (folder / "splits.json").write_text(json.dumps(seal.sealed({"digests": digests})))
    return folder


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    """48 clips: 4 classes x 4 groups x 3; group 0 is for test, 1 for validation. Read only."""
    return write(tmp_path_factory.mktemp("data"))


def specification(format_: str = "thumbnail_lstm", recurrent=None, identity=None, **training) -> dict:
    """Plain data of a run on the clips above."""
    given = {"format": format_, "input_size": HEIGHT * WIDTH * 3, **(recurrent or {})}
    if format_ in ("thumbnail_lstm", "dense") and recurrent is None:
        given["hidden_size"] = 8
    settings = {"epochs": 3, "batch_size": 8, "learning_rate": 0.01, "device": "cpu"} | training
    who = {"dataset": "demo", "front_end": "pixels", "model": format_, "protocol": "group", "fold": 0, "seed": 0}
    kind = {"family": who["model"], "recipe": "ours"}
    return {**who, **(identity or {}), **kind, "recurrent": given, "training": settings}
