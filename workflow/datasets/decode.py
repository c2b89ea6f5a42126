"""Decode one clip from the first frame to the last; count, sample, scale and crop its frames.

Headers are untrusted: every HMDB51 clip that was measured has a wrong frame count in its header, and seeking by frame
number lands on another frame. The header only gives a first guess of which frames to keep; counting verifies it. A
wrong guess costs a second pass, never a wrong frame.
"""

import hashlib
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")  # read at import; clips.csv has the reasons
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2
import numpy as np

from workflow.storage import files

cv2.setNumThreads(1)  # decoding many clips in parallel uses the cores better than many threads on one small clip
GUESS_SLACK = 3  # the header's count is usually wrong by at most this many frames


class UndecodableError(Exception):
    """No frame of this clip decodes; the message is its status in clips.csv."""


def indices(n: int, count: int, sampling: str, key: str = "") -> list[int]:
    """Return the indices of the frames, out of `n`, that represent a clip, in ascending order.

    linspace: round(linspace(0, n-1, count)), with the first and the last frame. random: drawn with the seed `key`,
    then sorted (BT-LSTM, TR-LSTM). all: the first `count` frames, fewer if the clip is shorter. With linspace and
    random, a clip shorter than `count` repeats frames.
    """
    if sampling == "all":
        return list(range(min(n, count)))
    if sampling == "random":
        seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])
        return sorted(np.random.default_rng(seed).choice(n, count, replace=n < count).tolist())
    return np.rint(np.linspace(0, n - 1, count)).astype(int).tolist()


def decode(
    path: Path, count: int, sampling: str, width: int, height: int, edge: int = 0, seed: int = 0, clip: str = ""
) -> tuple[np.ndarray, dict[str, Any]]:
    """Decode the clip at `path`; return `count` of its frames, resized, and facts about the whole clip.

    The frames are (count, height, width, 3) uint8 RGB, zeros after the end of a short clip; the facts are its number
    of frames, the number that its container states (0: none), fps, width and height. edge: see `resized`. seed, clip:
    determine the sampling `random`. Raises UndecodableError.
    """
    size = width, height, edge
    key = f"{seed}:{clip}"
    capture = _open(path)
    properties = cv2.CAP_PROP_FRAME_COUNT, cv2.CAP_PROP_FPS, cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT
    stated, fps, native_width, native_height = map(capture.get, properties)
    guess = int(stated) if 0 < stated < 1e6 else 0
    guesses = range(max(1, guess - GUESS_SLACK), guess + GUESS_SLACK + 1)
    n, kept = _scan(capture, {i for n in guesses for i in indices(n, count, sampling, key)}, size)
    if n == 0:
        raise UndecodableError("no frame decodes")
    wanted = indices(n, count, sampling, key)
    if not kept.keys() >= set(wanted):
        n_again, kept = _scan(_open(path), set(wanted), size)
        if n_again != n:
            raise UndecodableError(f"decodes to {n} frames, then to {n_again}")
    shown = [kept[i] for i in sorted(kept)]
    if (len(shown) == 1 or any(map(np.array_equal, shown, shown[1:]))) and _interlaced(path):
        raise UndecodableError("interlaced, which OpenCV cannot read; deinterlace it: ffmpeg -vf yadif")
    frames = np.zeros((count, height, width, 3), np.uint8)
    frames[: len(wanted)] = [kept[i] for i in wanted]
    fps = round(fps, 3) if math.isfinite(fps) else 0.0
    return frames, {"frames": n, "stated": guess, "fps": fps, "width": int(native_width), "height": int(native_height)}


def _open(path: Path) -> cv2.VideoCapture:
    if path.stat().st_size == 0:
        raise UndecodableError("empty file")
    # FFmpeg would read "name:" as a protocol and "%d" as a series of pictures; an absolute path is safe.
    capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    if not capture.isOpened():
        pointer = files.is_lfs_pointer(path)
        raise UndecodableError("Git LFS pointer: git lfs pull" if pointer else "no video that FFmpeg can open")
    return capture


def resized(picture: np.ndarray, width: int, height: int, edge: int = 0) -> np.ndarray:
    """Return a picture as (height, width, 3).

    edge: if not 0, scale the shorter edge to this length, then cut out the middle; otherwise scale both edges.
    """
    if not edge:
        return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    scale = edge / min(picture.shape[:2])
    size = round(scale * picture.shape[1]), round(scale * picture.shape[0])
    scaled = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    top, left = (size[1] - height) // 2, (size[0] - width) // 2
    return scaled[top : top + height, left : left + width]


def _scan(capture: cv2.VideoCapture, wanted: set[int], size: tuple[int, int, int]) -> tuple[int, dict[int, np.ndarray]]:
    """Decode to the end; return the number of frames, and the wanted frames as RGB, `resized`."""
    kept: dict[int, np.ndarray] = {}
    n = 0
    while capture.grab():
        if n in wanted:  # convert and resize only the frames we keep
            read, picture = capture.retrieve()
            if not read:
                break
            kept[n] = cv2.cvtColor(resized(picture, *size), cv2.COLOR_BGR2RGB)
        n += 1
    return n, kept


def _interlaced(path: Path) -> bool:
    """Return whether OpenCV fails to convert frames because they are interlaced.

    OpenCV then raises no error: it returns the previous picture or uninitialised memory. Only FFmpeg's log shows it.
    """
    code = "import cv2, sys; c = cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG)\nwhile c.grab(): c.retrieve()"
    words = [sys.executable, "-c", code, str(path.absolute())]
    environment = os.environ | {"OPENCV_FFMPEG_LOGLEVEL": "16"}  # errors
    run = subprocess.run(words, env=environment, capture_output=True, check=False)
    return b"Cannot convert interlaced" in run.stdout + run.stderr
