"""One cluster for all tests of this folder."""

import cluster as slurm
import pytest


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    if reason := slurm.why_not():
        pytest.skip(reason)
    running = slurm.start(tmp_path_factory.mktemp("slurm"))
    yield running
    try:
        running.end_jobs()
    finally:
        running.stop()
    left = running.left_behind()
    names = [" ".join(process.cmdline()) for process in left]
    for process in left:
        process.kill()
    assert not names
