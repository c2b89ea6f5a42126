"""The tiny configuration, run to the end once; tests change the copy and ask Snakemake what it would do."""

import pytest
from projects import TINY, Project, checkout


@pytest.fixture(scope="session")
def finished(root, tmp_path_factory) -> Project:
    """A project whose results are complete; whoever changes it puts it back."""
    project = Project(checkout(root, tmp_path_factory.mktemp("finished")))
    project.write_config(TINY)
    run = project.snakemake("--configfile", "config/tiny.yaml")
    assert run.returncode == 0, run.stdout
    return project
