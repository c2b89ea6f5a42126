"""Tiny pictures, archives and folders of clips in the official layouts."""

import io
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from workflow.datasets import listing
from workflow.datasets.catalogue import CATALOGUE
from workflow.storage import files


def pictures(n: int, width: int = 32, height: int = 24, seed: int = 0) -> np.ndarray:
    """(n, height, width, 3) BGR: a grey level that rises with the frame number over a fixed texture."""
    texture = np.random.default_rng(seed).integers(0, 40, (height, width, 3))
    levels = np.linspace(20, 200, n)[:, None, None, None]
    return (texture + levels).astype(np.uint8)


def zip_of(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def tar_of(members: Mapping[str, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def write_tree(folder: Path, members: Mapping[str, bytes]) -> Path:
    for name, data in members.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def listing_of(folder: Path, members: Mapping[str, bytes], output: Path) -> Path:
    """Write clips and a listing.csv of them, in UCF11's layout."""
    write_tree(folder, members)
    clips = listing.clips_of(CATALOGUE["ucf11"], folder, listing.walk(folder))
    files.write_csv(output / "listing.csv", listing.COLUMNS, listing.rows(folder, clips, {}, {}))
    return output / "listing.csv"


def header_count(data: bytes, count: int) -> bytes:
    """Write another number of frames into the headers of an AVI: the main one and that of the stream."""
    changed = bytearray(data)
    for mark, offset in ((b"avih", 8 + 16), (b"strh", 8 + 32)):
        struct.pack_into("<I", changed, changed.index(mark) + offset, count)
    return bytes(changed)
