"""Generate the demo data set, demo.zip.

Eight classes of motion (demo_scene.py), ten groups per class, each with its own background, colour and actor. The same
seed gives the same bytes; demo.zip.json has their checksum.
"""

import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from typer import Option

from workflow.datasets import demo_scene, inventory
from workflow.datasets.errors import DataError
from workflow.storage import seal
from workflow.storage.command_line import command_line
from workflow.storage.lock import exclusive

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a ZIP can hold


def write_clip(path: Path, pictures: Sequence[np.ndarray]) -> None:
    """Encode BGR pictures (height, width, 3) as MPEG-4 in AVI, as in HMDB51 and YouTube Celebrities."""
    height, width, _ = pictures[0].shape
    codec = cv2.VideoWriter.fourcc(*"XVID")
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, codec, demo_scene.FPS, (width, height))
    if not writer.isOpened():
        raise DataError(f"{path}: this OpenCV cannot write MPEG-4 in AVI; opencv-python-headless can")
    for picture in pictures:
        writer.write(picture)
    writer.release()


def generate(output: Path, seed: int = 0) -> int:
    """Write the ZIP at `output` with the clips of the inventory `demo`; returns their number."""
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(output.name + ".part")
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(partial, "w") as archive:
        path = Path(folder) / "clip.avi"
        for class_number, (label, entry) in enumerate(inventory.load("demo")["classes"].items()):
            for group, clips in enumerate(entry["groups"], start=1):
                scene = demo_scene.draw_scene(np.random.default_rng([seed, class_number, group]))
                stem = f"{entry['stem']}_{group:02d}"
                for clip in range(1, clips + 1):
                    rng = np.random.default_rng([seed, class_number, group, clip])
                    write_clip(path, demo_scene.frames(scene, label, rng))
                    member = zipfile.ZipInfo(f"demo/{label}/{stem}/{stem}_{clip:02d}.avi", EPOCH)
                    archive.writestr(member, path.read_bytes())
        number = len(archive.namelist())
    partial.replace(output)
    return number


def main(output: Annotated[Path, Option(help="the ZIP to write")], seed: int = 0) -> None:
    with exclusive(output):
        number = generate(output, seed)
        seal.write(output.with_name(f"{output.name}.json"), {"clips": number}, [output.name])
    print(f"{output}: generated {number} clips of 8 motions")


if __name__ == "__main__":
    command_line(main)
