"""One cluster for all tests of this folder."""

import cluster as slurm
import pytest


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    if reason := slurm.why_not():
        pytest.skip(reason)
    running = slurm.start(tmp_path_factory.mktemp("slurm"))
    yield running
    running.stop()
