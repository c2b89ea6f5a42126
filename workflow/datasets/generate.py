"""Generate the demo data set: real AVI files in UCF11's layout, packed into a ZIP.

    python -m workflow.datasets.generate --output resources/demo/demo.zip

Eight classes of motion (demo_scene.py), ten groups a class, each with its own background, colour and actor.
The same seed gives the same bytes, for which demo.zip.json vouches.
"""

import argparse
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from workflow.datasets import inventory
from workflow.datasets.errors import DataError, command_line
from workflow.datasets.files import write_json
from workflow.storage import seal
from workflow.storage.lock import exclusive

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a ZIP can hold


def write_clip(path: Path, pictures) -> None:
    """Encode BGR pictures (height, width, 3) as MPEG-4 in AVI, as HMDB51 and YouTube Celebrities are."""
    import cv2

    from workflow.datasets.demo_scene import FPS

    writer = None
    for picture in pictures:
        if writer is None:
            size = (picture.shape[1], picture.shape[0])
            writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*"XVID"), FPS, size)
            if not writer.isOpened():
                raise DataError(f"{path}: OpenCV cannot write MPEG-4 in AVI; opencv-python-headless can")
        writer.write(picture)
    if writer is not None:
        writer.release()


def generate(output: Path, seed: int = 0) -> int:
    """Write the ZIP at `output`; returns the number of clips. The inventory `demo` says which clips."""
    import numpy as np

    from workflow.datasets import demo_scene

    output.parent.mkdir(parents=True, exist_ok=True)
    part = output.with_name(output.name + ".part")
    entries = inventory.load("demo")["classes"]
    number = 0
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(part, "w") as archive:
        path = Path(folder) / "clip.avi"
        for place, (label, entry) in enumerate(entries.items()):
            for group, count in enumerate(entry["groups"], start=1):
                scene = demo_scene.scene(np.random.default_rng([seed, place, group]))
                stem = f"{entry['stem']}_{group:02d}"
                for clip in range(1, count + 1):
                    rng = np.random.default_rng([seed, place, group, clip])
                    write_clip(path, demo_scene.frames(scene, label, rng))
                    member = zipfile.ZipInfo(f"demo/{label}/{stem}/{stem}_{clip:02d}.avi", EPOCH)
                    archive.writestr(member, path.read_bytes())
                    number += 1
    part.replace(output)
    return number


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="the ZIP to write")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    with exclusive(options.output):
        number = generate(options.output, options.seed)
        vouched = {options.output.name: seal.digest(options.output)}
        write_json(options.output.with_name(options.output.name + ".json"), seal.sealed({"clips": number}, vouched))
    print(f"{options.output}: {number} clips of 8 motions generated")


if __name__ == "__main__":
    command_line(main)
