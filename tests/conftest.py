"""What all tests share: one thread a test process, where the project is, and where real clips may be."""

import gc
import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported; several processes share the cores
for name in [name for name in os.environ if name.startswith("REPRODUCE_")]:
    del os.environ[name]  # the user's choice of an environment is not one for the launchers that the tests start

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items):
    """Files with slow tests start first; at the end, one process would run the longest alone."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="module", autouse=True)
def cheap_garbage_collection() -> None:
    """Exempt what exists before a file of tests, mostly objects of imported packages, from garbage collection."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def real_clips() -> Path:
    """Part of UCF11's AVI release, nine of its classes; tests that want it are skipped where it is absent."""
    folder = ROOT.parent / "shared" / "clips" / "ucf11" / "action_youtube_naudio"
    if not folder.is_dir():
        pytest.skip(f"no real UCF11 clips at {folder.relative_to(ROOT.parent)} next to the project")
    return folder
