"""Thumbnails: frames averaged over areas to 10 x 8 RGB, 240 numbers; features are projected to 240 numbers."""

from functools import cache

import numpy as np

WIDTH, HEIGHT = 10, 8
SIZE = WIDTH * HEIGHT * 3
CHUNK = 64  # clips at a time


def of_frames(clips: np.ndarray, scale: float, shift: float) -> np.ndarray:
    """Return (N, T, SIZE) float32 from uint8 (N, T, height, width, 3), as x * scale + shift, or from float16 features
    (N, T, F), which are not scaled."""
    chunks = (clips[start : start + CHUNK] for start in range(0, len(clips), CHUNK))
    if clips.ndim == 3:
        return np.concatenate([chunk.astype(np.float32) @ _projection(clips.shape[2]) for chunk in chunks])
    return np.concatenate([_shrunk(chunk, scale, shift) for chunk in chunks])


def of_clips(clips: np.ndarray, rows: np.ndarray, lengths: np.ndarray | None, scale: float, shift: float) -> np.ndarray:
    """Return one float32 vector for each of the clips `rows` (n,): the thumbnail of the mean frame (n, SIZE), or the
    mean of the features (n, F).

    lengths (N,): valid frames of each clip; None for all.
    """
    lengths = np.full(len(clips), clips.shape[1]) if lengths is None else lengths
    found = []
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        frames = clips[chunk].astype(np.float32) if clips.ndim == 3 else _shrunk(clips[chunk], scale, shift)
        count = lengths[chunk, None]
        valid = np.arange(clips.shape[1]) < count  # (n, T)
        found.append((frames * valid[..., None]).sum(axis=1) / np.maximum(count, 1))
    return np.concatenate(found).astype(np.float32)


def _shrunk(clips: np.ndarray, scale: float, shift: float) -> np.ndarray:
    rows, columns = _averages(clips.shape[2], HEIGHT), _averages(clips.shape[3], WIDTH)
    small = np.einsum("yh,nthwc,xw->ntyxc", rows, clips.astype(np.float32), columns, optimize=True)
    return small.reshape(*clips.shape[:2], SIZE) * np.float32(scale) + np.float32(shift)


@cache
def _averages(size: int, parts: int) -> np.ndarray:
    """(parts, size): each row averages an equal share of `size` pixels, and fractions of a pixel at its ends."""
    edges = np.linspace(0, size, parts + 1)
    pixels = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return (np.clip(overlap, 0, None) * parts / size).astype(np.float32)


@cache
def _projection(features: int) -> np.ndarray:
    """A fixed random projection, which keeps distances: features have no neighbours to average over."""
    return np.random.default_rng(0).normal(0, SIZE**-0.5, (features, SIZE)).astype(np.float32)
