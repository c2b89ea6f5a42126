"""What all tests share: one thread a test process, where the project is, and where real clips may be."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported; several processes share the cores
for name in [name for name in os.environ if name.startswith("REPRODUCE_")]:
    del os.environ[name]  # the user's choice of an environment is not one for the launchers that the tests start

import workflow  # noqa: E402, F401 -- cleans the environment, which would otherwise change in the first test that does

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = (
    "PYTEST_",
    "TORCHINDUCTOR_",
    "_TORCHINDUCTOR_",
    "NO_MKDOCS_",
    "KMP_",
    "CUDA_MODULE_",
)  # libraries set these


def pytest_collection_modifyitems(items):
    """Files with slow tests start first; at the end, one process would run the longest alone."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="module", autouse=True)
def cheap_garbage_collection() -> None:
    """Exempt what exists before a file of tests, mostly objects of imported packages, from garbage collection."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def variables_are_put_back() -> Iterator[None]:
    """Fail a test that leaves an environment variable changed: later tests, and what they start, would read it."""
    before = _variables()
    yield
    assert _variables() == before


def _variables() -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if not name.startswith(LIBRARIES)}


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
