"""A loopback server, tiny clips and data sets in the official layouts, for the tests of this folder."""

import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import server as loopback

from workflow.datasets import files
from workflow.datasets.generate import write_clip


@pytest.fixture
def server() -> Iterator[loopback.Served]:
    served, stop = loopback.start()
    yield served
    stop()


def pictures(n: int, width: int = 32, height: int = 24, seed: int = 0) -> np.ndarray:
    """(n, height, width, 3) BGR: a grey level that rises with the frame number over a fixed texture."""
    texture = np.random.default_rng(seed).integers(0, 40, (height, width, 3))
    levels = np.linspace(20, 200, n)[:, None, None, None]
    return (texture + levels).astype(np.uint8)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., bytes]:
    """clip(n, width, height, seed): the bytes of an AVI file of n frames, encoded once for equal arguments."""
    folder, made = tmp_path_factory.mktemp("clips"), {}

    def make(n: int = 4, width: int = 32, height: int = 24, seed: int = 0) -> bytes:
        key = (n, width, height, seed)
        if key not in made:
            path = folder / "clip.avi"
            write_clip(path, pictures(n, width, height, seed))
            made[key] = path.read_bytes()
        return made[key]

    return make


@pytest.fixture(scope="session")
def lists(root: Path) -> Path:
    """The official lists of names, which are not part of this project."""
    folder = root.parent / "shared" / "manifests"
    if not folder.is_dir():
        pytest.skip(f"no official lists of names at {folder.relative_to(root.parent)} beside the project")
    return folder


@pytest.fixture(scope="session")
def shared_clips(root: Path) -> Path:
    """Real clips of all three data sets, which are not part of this project."""
    folder = root.parent / "shared" / "clips"
    if not folder.is_dir():
        pytest.skip(f"no real clips at {folder.relative_to(root.parent)} beside the project")
    return folder


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
    from workflow.datasets import listing
    from workflow.datasets.catalogue import UCF11

    write_tree(folder, members)
    clips = listing.clips_of(UCF11, folder, listing.walk(folder))
    files.write_csv(output / "listing.csv", listing.COLUMNS, listing.rows(folder, clips, {}))
    return output / "listing.csv"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any connection is an error."""
    import socket

    def refuse(self: object, address: object) -> None:
        raise AssertionError(f"a connection to {address} was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def in_folder(tmp_path: Path) -> Iterator[Path]:
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)
