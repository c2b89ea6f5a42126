"""Thumbnails: 10 x 8 RGB of a frame, 240 numbers, by averages over areas; features are projected to as many."""

from collections.abc import Callable

import numpy as np

from workflow.training.settings import PIXELS

WIDTH, HEIGHT = 10, 8
SIZE = WIDTH * HEIGHT * 3
CHUNK = 64  # clips at a time


def of_frames(clips: np.ndarray, normalisation: str) -> np.ndarray:
    """(N, T, SIZE) float32 from uint8 (N, T, height, width, 3), or from float16 features (N, T, F)."""
    shrink = _shrinker(clips, normalisation)
    return np.concatenate([shrink(clips[start : start + CHUNK]) for start in range(0, len(clips), CHUNK)])


def of_clips(clips: np.ndarray, rows: np.ndarray, lengths: np.ndarray | None, normalisation: str) -> np.ndarray:
    """Of the clips `rows` (n,): (n, SIZE) float32, the thumbnail of the mean frame; of features the mean, (n, F).

    lengths (N,): frames that count of each clip; None for all.
    """
    lengths = np.full(len(clips), clips.shape[1]) if lengths is None else lengths
    shrink = (lambda part: part.astype(np.float32)) if clips.ndim == 3 else _shrinker(clips, normalisation)
    found = []
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        frames, count = shrink(clips[chunk]), lengths[chunk, None]
        valid = np.arange(clips.shape[1]) < count  # (n, T)
        found.append((frames * valid[..., None]).sum(axis=1) / np.maximum(count, 1))
    return np.concatenate(found).astype(np.float32)


def _shrinker(clips: np.ndarray, normalisation: str) -> Callable[[np.ndarray], np.ndarray]:
    """A function from some of `clips` to their thumbnails (n, T, SIZE)."""
    if clips.ndim == 3:
        projection = _projection(clips.shape[2])
        return lambda part: part.astype(np.float32) @ projection
    scale, shift = PIXELS[normalisation]
    rows, columns = _averages(clips.shape[2], HEIGHT), _averages(clips.shape[3], WIDTH)

    def shrink(part: np.ndarray) -> np.ndarray:
        small = np.einsum("yh,nthwc,xw->ntyxc", rows, part.astype(np.float32), columns, optimize=True)
        return small.reshape(*part.shape[:2], SIZE) * np.float32(scale) + np.float32(shift)

    return shrink


def _averages(size: int, parts: int) -> np.ndarray:
    """(parts, size): each row averages an equal share of `size` pixels, cutting pixels where need be."""
    edges = np.linspace(0, size, parts + 1)
    pixels = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return (np.clip(overlap, 0, None) * parts / size).astype(np.float32)


def _projection(features: int) -> np.ndarray:
    """A fixed random projection: features have no neighbours to average, and it keeps distances."""
    return np.random.default_rng(0).normal(0, SIZE**-0.5, (features, SIZE)).astype(np.float32)
