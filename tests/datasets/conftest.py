"""A loopback server, encoded clips, and the files next to the project, for these tests."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import server as loopback
from small_data import pictures

from workflow.datasets.generate import write_clip


@pytest.fixture
def server() -> Iterator[loopback.Served]:
    served, stop = loopback.start()
    yield served
    stop()


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
        pytest.skip(f"no official lists of names at {folder.relative_to(root.parent)} next to the project")
    return folder


@pytest.fixture(scope="session")
def shared_clips(root: Path) -> Path:
    """Real clips of all three data sets, which are not part of this project."""
    folder = root.parent / "shared" / "clips"
    if not folder.is_dir():
        pytest.skip(f"no real clips at {folder.relative_to(root.parent)} next to the project")
    return folder


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
