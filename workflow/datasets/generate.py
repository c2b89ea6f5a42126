"""Generate the demo data set, demo.zip.

Eight classes of motion (demo_scene.py), ten groups per class, each with its own background, colour and actor. The same
seed gives the same bytes; demo.zip.json has their checksum.
"""

import argparse
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workflow.datasets import inventory
from workflow.datasets.errors import DataError, command_line
from workflow.storage import seal
from workflow.storage.files import write_json
from workflow.storage.lock import exclusive

if TYPE_CHECKING:
    import numpy as np

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a ZIP can hold


def write_clip(path: Path, pictures: Iterable["np.ndarray"]) -> None:
    """Encode BGR pictures (height, width, 3) as MPEG-4 in AVI, as in HMDB51 and YouTube Celebrities."""
    import cv2

    from workflow.datasets.demo_scene import FPS

    writer = None
    for picture in pictures:
        if writer is None:
            size = (picture.shape[1], picture.shape[0])
            writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"XVID"), FPS, size)
            if not writer.isOpened():
                raise DataError(f"{path}: this OpenCV cannot write MPEG-4 in AVI; opencv-python-headless can")
        writer.write(picture)
    if writer is not None:
        writer.release()


def generate(output: Path, seed: int = 0) -> int:
    """Write the ZIP at `output` with the clips of the inventory `demo`; returns their number."""
    import numpy as np

    from workflow.datasets import demo_scene

    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(output.name + ".part")
    entries = inventory.load("demo")["classes"]
    number = 0
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(partial, "w") as archive:
        path = Path(folder) / "clip.avi"
        for class_number, (label, entry) in enumerate(entries.items()):
            for group, count in enumerate(entry["groups"], start=1):
                scene = demo_scene.draw_scene(np.random.default_rng([seed, class_number, group]))
                stem = f"{entry['stem']}_{group:02d}"
                for clip in range(1, count + 1):
                    rng = np.random.default_rng([seed, class_number, group, clip])
                    write_clip(path, demo_scene.frames(scene, label, rng))
                    member = zipfile.ZipInfo(f"demo/{label}/{stem}/{stem}_{clip:02d}.avi", EPOCH)
                    archive.writestr(member, path.read_bytes())
                    number += 1
    partial.replace(output)
    return number


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="the ZIP to write")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    with exclusive(options.output):
        number = generate(options.output, options.seed)
        sealed = seal.sealed({"clips": number}, {options.output.name: seal.digest(options.output)})
        write_json(options.output.with_name(options.output.name + ".json"), sealed)
    print(f"{options.output}: generated {number} clips of 8 motions")


if __name__ == "__main__":
    command_line(main)
