"""Scenes of the generated data set: an actor moves over a textured background.

The eight classes are four pairs; both classes of a pair pass through the same pictures, in opposite order. The pace
and the starting point of a clip are random, so a single frame predicts the class no better than its background does.
"""

from dataclasses import dataclass

import cv2
import numpy as np

WIDTH, HEIGHT, FPS = 80, 60, 25
FRAMES = (20, 28)  # shortest and longest clip
JITTER = 0.1
SUBPIXEL = 4  # fractional bits of the coordinates for cv2.fillPoly
CLASSES = {  # class: (motion, direction)
    "expand": ("size", 1),
    "shrink": ("size", -1),
    "move_down": ("y", 1),
    "move_up": ("y", -1),
    "move_left": ("x", -1),
    "move_right": ("x", 1),
    "spin_clockwise": ("angle", 1),
    "spin_anticlockwise": ("angle", -1),
}


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
    """The frames (HEIGHT, WIDTH, 3) uint8 of one clip of class `label`."""
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
