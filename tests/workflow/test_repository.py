"""Provenance is the project's own or none, and only files that matter make it dirty."""

import os
import shutil
import subprocess
import sys

import pytest
from projects import checkout

from workflow.storage.repository import output_of

SHOW = "from workflow.storage import repository as r; print(r.commit(), r.dirty(*r.CODE), r.commit('paper')[:12])"


def git(folder, *arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def commit_all(folder):
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "all")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def project(root, tmp_path):
    """A copy that is in no repository."""
    return checkout(root, tmp_path / "outer" / "project")


def shown(folder, **variables):
    environment = {**os.environ, **variables}
    command = [sys.executable, "-c", SHOW]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_without_a_repository_everything_is_unknown(project):
    assert shown(project) == "unknown None unknown"


def test_a_repository_around_the_project_is_not_its_own(project):
    commit_all(project.parent)
    assert shown(project) == "unknown None unknown"


def test_a_repository_that_does_not_hold_the_project_is_not_its_own(project):
    git(project, "init", "--quiet")
    git(project, "add", "README.md")
    git(project, "commit", "--quiet", "--message", "of somebody")
    assert shown(project) == "unknown None unknown"


def test_variables_of_git_change_nothing(project, tmp_path):
    own = commit_all(project)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "file").touch()
    commit_all(tmp_path / "foreign")
    git_dir = str(tmp_path / "foreign" / ".git")
    foreign = {"GIT_DIR": git_dir, "GIT_WORK_TREE": str(tmp_path / "foreign"), "GIT_INDEX_FILE": "/nowhere"}
    assert shown(project, **foreign) == f"{own} False {own[:12]}"


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give files to another user")
def test_a_clone_of_another_owner_has_its_commit(project):
    own = commit_all(project)
    for path in [project, *project.rglob("*")]:
        os.chown(path, 12345, 12345)
    assert shown(project) == f"{own} False {own[:12]}"


def test_only_files_that_matter_make_it_dirty(project):
    own = commit_all(project)
    (project / "config" / "own.yaml").write_text("name: own\n")
    (project / "workflow" / "notes.txt~").touch()
    (project / "docs" / "cluster.md").write_text("changed\n")
    assert shown(project) == f"{own} False {own[:12]}"
    (project / "baselines" / "new_format.py").touch()
    assert shown(project) == f"{own} True {own[:12]}"
    (project / "baselines" / "new_format.py").unlink()
    (project / "requirements.txt").write_text("torch==0\n")
    assert shown(project) == f"{own} True {own[:12]}"


def test_the_commit_of_a_part_is_the_last_that_changed_it(project):
    first = commit_all(project)
    (project / "docs" / "cluster.md").write_text("changed\n")
    second = commit_all(project)
    assert shown(project) == f"{second} False {first[:12]}"


def test_a_worktree_has_its_commit(project, tmp_path):
    commit_all(project)
    git(project, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    (tmp_path / "tree" / "README.md").write_text("changed\n")
    second = commit_all(tmp_path / "tree")
    assert shown(tmp_path / "tree").startswith(f"{second} False")


def test_without_git_everything_is_unknown(project):
    commit_all(project)
    assert shutil.which("git")
    assert shown(project, PATH="/nowhere") == "unknown None unknown"


def test_output_that_is_not_utf_8_is_read():
    assert output_of("printf", "\\377") == "\udcff"
