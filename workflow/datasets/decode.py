"""One clip: decoded once from the first frame to the last, counted, sampled, scaled.

Headers are not believed: every HMDB51 clip measured claims a wrong number of frames, and seeking by frame
number lands elsewhere. A header's number is only a guess of which frames will be wanted, checked by
counting; a wrong guess costs a second pass, never a wrong frame.
"""

import hashlib
import math
import os
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")  # read when cv2 is imported; reasons are in clips.csv instead
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2
import numpy as np

SAMPLINGS = ("linspace", "random", "all")
GUESS_SLACK = 3  # frames by which the header's count is usually wrong, either way


class UndecodableError(Exception):
    """No frame comes out of this clip; the message is the reason as clips.csv gives it."""


@dataclass(frozen=True)
class Decoded:
    """`frames`: (T, height, width, 3) uint8 RGB, zeros after the end; `count`: frames decoded in all."""

    frames: np.ndarray
    count: int
    fps: float
    width: int
    height: int


def indices(n: int, count: int, sampling: str, rng_key: str = "") -> np.ndarray:
    """Which of `n` frames stand for a clip, ascending.

    linspace: round(linspace(0, n-1, count)), the first and the last frame included; random: ascending at
    random, drawn from `rng_key` (BT-LSTM, TR-LSTM); all: the first `count` frames, fewer where the clip is
    shorter. A clip shorter than `count` repeats frames under linspace and random.
    """
    if sampling == "all":
        return np.arange(min(n, count))
    if sampling == "random":
        key = int.from_bytes(hashlib.sha256(rng_key.encode()).digest()[:8])
        return np.sort(np.random.default_rng(key).choice(n, count, replace=n < count))
    return np.rint(np.linspace(0, n - 1, count)).astype(int)


def decode(path: Path, count: int, sampling: str, width: int, height: int, rng_key: str = "") -> Decoded:
    """Decode the clip at `path` and keep `count` frames of it at width x height; raises UndecodableError."""
    capture = _open(path)
    guess = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    likely = int(guess) if math.isfinite(guess) and 0 < guess < 1e6 else 0
    guesses = range(max(1, likely - GUESS_SLACK), likely + GUESS_SLACK + 1) if likely else ()
    hoped = {int(i) for n in guesses for i in indices(n, count, sampling, rng_key)}
    fps, native = capture.get(cv2.CAP_PROP_FPS), _native_size(capture)
    n, kept = _scan(capture, hoped, (width, height))
    if n == 0:
        raise UndecodableError("no frame decodes")
    wanted = indices(n, count, sampling, rng_key)
    if not kept.keys() >= set(wanted.tolist()):
        n_again, kept = _scan(_open(path), set(wanted.tolist()), (width, height))
        if n_again != n:
            raise UndecodableError(f"decodes to {n} frames, then to {n_again}")
    frames = np.zeros((count, height, width, 3), np.uint8)
    for place, i in enumerate(wanted.tolist()):
        frames[place] = kept[i]
    return Decoded(frames, n, round(fps, 3) if math.isfinite(fps) else 0.0, *native)


def _open(path: Path) -> cv2.VideoCapture:
    if path.stat().st_size == 0:
        raise UndecodableError("empty file")
    # FFmpeg takes "name:" for a protocol and "%d" for a series of pictures: an absolute path is neither.
    # One thread a clip: many clips at once use the cores better than many threads in one small clip.
    capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    if not capture.isOpened():
        raise UndecodableError("no video that FFmpeg can open")
    return capture


def _native_size(capture: cv2.VideoCapture) -> tuple[int, int]:
    return int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))


def _scan(capture: cv2.VideoCapture, wanted: set[int], size: tuple[int, int]) -> tuple[int, dict[int, np.ndarray]]:
    """Decode to the end; the number of frames, and those wanted as RGB (height, width, 3)."""
    kept: dict[int, np.ndarray] = {}
    n = 0
    while capture.grab():
        if n in wanted:  # only these pay for colour conversion and scaling
            read, picture = capture.retrieve()
            if not read:
                break
            small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            kept[n] = cv2.cvtColor(small, cv2.COLOR_BGR2RGB)
        n += 1
    capture.release()
    return n, kept
