"""Thumbnails: 10 x 8 RGB of a frame, 240 numbers, by averages over areas; features are projected to as many."""

import numpy as np

from workflow.training.settings import PIXELS

WIDTH, HEIGHT = 10, 8
SIZE = WIDTH * HEIGHT * 3
CHUNK = 64  # clips at a time


def of_frames(clips: np.ndarray, normalisation: str) -> np.ndarray:
    """(N, T, SIZE) float32 from uint8 (N, T, height, width, 3), or from float16 features (N, T, F)."""
    if clips.ndim == 3:
        return _in_chunks(clips, _projection(clips.shape[2]))
    scale, shift = PIXELS[normalisation]
    rows, columns = _averages(clips.shape[2], HEIGHT), _averages(clips.shape[3], WIDTH)
    found = np.empty((*clips.shape[:2], SIZE), np.float32)
    for start in range(0, len(clips), CHUNK):
        part = clips[start : start + CHUNK].astype(np.float32)
        small = np.einsum("yh,nthwc,xw->ntyxc", rows, part, columns, optimize=True)
        found[start : start + CHUNK] = small.reshape(*part.shape[:2], SIZE) * scale + shift
    return found


def of_clips(clips: np.ndarray, lengths: np.ndarray | None, normalisation: str) -> np.ndarray:
    """(N, SIZE) float32: the thumbnail of the mean frame; for features (N, T, F) the mean feature, (N, F)."""
    frames = clips.astype(np.float32) if clips.ndim == 3 else of_frames(clips, normalisation)
    if lengths is None:
        return frames.mean(axis=1)
    valid = (np.arange(frames.shape[1]) < lengths[:, None]).astype(np.float32)
    return (frames * valid[..., None]).sum(axis=1) / np.maximum(lengths, 1)[:, None].astype(np.float32)


def _averages(size: int, parts: int) -> np.ndarray:
    """(parts, size): each row averages an equal share of `size` pixels, cutting pixels where need be."""
    edges = np.linspace(0, size, parts + 1)
    pixels = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return (np.clip(overlap, 0, None) * parts / size).astype(np.float32)


def _projection(features: int) -> np.ndarray:
    """A fixed random projection: features have no neighbours to average, and it keeps distances."""
    return np.random.default_rng(0).normal(0, SIZE**-0.5, (features, SIZE)).astype(np.float32)


def _in_chunks(clips: np.ndarray, projection: np.ndarray) -> np.ndarray:
    parts = [clips[i : i + CHUNK].astype(np.float32) @ projection for i in range(0, len(clips), CHUNK)]
    return np.concatenate(parts)
