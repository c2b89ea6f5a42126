"""The tiny configuration, run to the end once; tests change a copy and ask Snakemake what it would do."""

import os
import shutil

import pytest
from projects import TINY, Project, checkout

from workflow.storage.lock import exclusive


@pytest.fixture(scope="session")
def finished(root, tmp_path_factory) -> Project:
    """A project whose results are complete, a copy for each test process; whoever changes it puts it back."""
    folder = tmp_path_factory.getbasetemp()
    made = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "made"
    with exclusive(made):
        if not made.is_dir():
            project = Project(checkout(root, made.with_name("unfinished")))
            project.write_config(TINY)
            run = project.snakemake("--configfile", "config/tiny.yaml")
            assert run.returncode == 0, run.stdout
            project.root.rename(made)
    return Project(shutil.copytree(made, tmp_path_factory.mktemp("finished") / "project", symlinks=True))
