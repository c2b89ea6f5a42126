"""Generate the demo data set, demo.zip: an actor moves over a textured background.

Eight classes of motion in four pairs; both classes of a pair pass through the same pictures, in opposite order. The
pace and the starting point of a clip are random, so a single frame predicts the class no better than its background
does. Each class has ten groups, each with its own background, colour and actor. The same seed gives the same bytes.
"""

import io
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from typer import Option

from workflow.datasets import inventory
from workflow.storage import seal
from workflow.storage.command_line import command_line
from workflow.storage.files import write_bytes
from workflow.storage.lock import exclusive

WIDTH, HEIGHT, FPS = 80, 60, 25
FRAMES = (20, 28)  # shortest and longest clip
JITTER = 0.1
SUBPIXEL = 4  # fractional bits of the coordinates for cv2.fillPoly
PAIRS = {  # what moves: the classes in which it grows and shrinks
    "size": ("expand", "shrink"),
    "y": ("move_down", "move_up"),
    "x": ("move_right", "move_left"),
    "angle": ("spin_clockwise", "spin_anticlockwise"),
}
CLASSES = {label: (motion, sign) for motion, pair in PAIRS.items() for label, sign in zip(pair, (1, -1), strict=True)}


@dataclass(frozen=True)
class Scene:
    """What all clips of a group share: background (HEIGHT, WIDTH, 3) uint8, and the actor's shape and colour."""

    background: np.ndarray
    corners: np.ndarray  # (n, 2), around the origin, within the unit circle
    colour: np.ndarray  # (3,)


def draw_scene(rng: np.random.Generator) -> Scene:
    """Draw a background at random, a contrasting colour, and a shape that is longer than wide."""
    base = rng.uniform(0, 170, 3)
    coarse = rng.normal(0, 30, (6, 8, 3)).astype(np.float32)
    fine = rng.normal(0, 12, (20, 27, 3)).astype(np.float32)
    texture = sum(cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC) for noise in (coarse, fine))
    background = np.clip(base + texture, 0, 255).astype(np.uint8)
    colour = rng.uniform(200, 255, 3)
    n = int(rng.integers(3, 7))
    angles = np.sort(2 * np.pi * (np.arange(n) + rng.uniform(-0.2, 0.2, n)) / n)
    corners = np.stack([np.cos(angles), 0.6 * np.sin(angles)], axis=1)
    return Scene(background, corners, colour)


def frames(scene: Scene, label: str, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the frames (HEIGHT, WIDTH, 3) uint8 of one clip of class `label`."""
    motion, direction = CLASSES[label]
    n = int(rng.integers(FRAMES[0], FRAMES[1] + 1))
    pace = rng.uniform(0.8, 1.0)
    start = 0.5 + rng.uniform(-JITTER, JITTER) - direction * pace / 2  # about half way in the middle of the clip
    phase = start + direction * pace * np.arange(n) / n
    light = rng.uniform(-8, 8)
    ranges = {"x": (0.35, 0.65), "y": (0.35, 0.65), "angle": (0, 1), "size": (0.3, 0.8)}
    pose = {name: rng.uniform(*limits) for name, limits in ranges.items()}
    pictures = []
    for t in range(n):
        pose[motion] = phase[t] % 1.0
        image = scene.background.astype(np.float32) + light + rng.integers(-3, 4, scene.background.shape, dtype=np.int8)
        pictures.append(_draw(scene, np.clip(image, 0, 255).astype(np.uint8), **pose))
    return pictures


def _draw(scene: Scene, image: np.ndarray, x: float, y: float, angle: float, size: float) -> np.ndarray:
    radius = HEIGHT * (0.14 + 0.5 * size)
    theta = 2 * np.pi * angle
    turn = np.array([[np.cos(theta), np.sin(theta)], [-np.sin(theta), np.cos(theta)]])
    points = scene.corners @ turn * radius
    # the actor leaves on one side and returns on the other, so both directions pass through the same pictures
    centre = np.array([(1.5 * x - 0.25) * WIDTH, (1.5 * y - 0.25) * HEIGHT])
    fixed = np.rint((points + centre) * 2**SUBPIXEL).astype(np.int32)
    return cv2.fillPoly(image, [fixed], scene.colour.tolist(), lineType=cv2.LINE_AA, shift=SUBPIXEL)


def write_clip(path: Path, pictures: list[np.ndarray]) -> None:
    """Encode BGR pictures (height, width, 3) as MPEG-4 in AVI, as in HMDB51 and YouTube Celebrities."""
    height, width, _ = pictures[0].shape
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"XVID"), FPS, (width, height))
    for picture in pictures:
        writer.write(picture)
    writer.release()


def generate(output: Path, seed: int = 0) -> int:
    """Write the ZIP `output` with the clips of the inventory `demo`; return their number."""
    content = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(content, "w") as archive:
        path = Path(folder) / "clip.avi"
        for class_number, (label, entry) in enumerate(inventory.load("demo")["classes"].items()):
            for group, clips in enumerate(entry["groups"], start=1):
                scene = draw_scene(np.random.default_rng([seed, class_number, group]))
                stem = f"{entry['stem']}_{group:02d}"
                for clip in range(1, clips + 1):
                    rng = np.random.default_rng([seed, class_number, group, clip])
                    write_clip(path, frames(scene, label, rng))
                    member = zipfile.ZipInfo(f"demo/{label}/{stem}/{stem}_{clip:02d}.avi")  # dated 1980
                    archive.writestr(member, path.read_bytes())
    write_bytes(output, content.getvalue())
    return len(archive.namelist())


def main(output: Annotated[Path, Option(help="the ZIP to write")], seed: int = 0) -> None:
    with exclusive(output):
        number = generate(output, seed)
        seal.write(output.with_name(f"{output.name}.json"), {"clips": number}, [output.name])
    print(f"{output}: generated {number} clips of 8 motions")


if __name__ == "__main__":
    command_line(main)
