"""./reproduce in a copy of the project, with the environment of the running tests in place of its own."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def copy(root, tmp_path) -> Path:
    """The launcher, the pins and an environment whose stamp matches them."""
    for name in ("reproduce", "requirements.txt", "workflow/commands/help.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, tmp_path / name)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    program = programs / "python"
    program.write_text('#!/bin/sh\necho "python $*"\n')
    program.chmod(0o755)
    pins = hashlib.sha256((tmp_path / "requirements.txt").read_bytes()).hexdigest()
    (tmp_path / ".venv" / "pins.sha256").write_text(pins)
    return tmp_path


def launch(folder, *arguments, **environment):
    without = {name: value for name, value in os.environ.items() if name != "REPRODUCE_ENVIRONMENT"}
    return subprocess.run(
        [sys.executable, str(folder / "reproduce"), *arguments],
        cwd=folder.parent,
        env={**without, **environment},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("arguments", [[], ["demo", "-n"], ["paper", "run", "--model", "lstm"], ["--version"]])
def test_the_launcher_hands_over(copy, arguments):
    run = launch(copy, *arguments)
    command = " ".join(["python -m workflow.commands", *arguments])
    assert (run.returncode, run.stdout.strip(), run.stderr) == (0, command, "")


def test_it_is_short(root):
    assert len((root / "reproduce").read_text().splitlines()) <= 100


def test_help_is_one_screen_and_needs_no_environment(copy):
    shutil.rmtree(copy / ".venv")
    run = launch(copy, "--help")
    assert run.returncode == 0
    lines = run.stdout.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 120
    for word in ("demo", "paper", "test", "bench", "status", "cost", "run", "list", "--profile", "--config"):
        assert word in run.stdout
    assert not (copy / ".venv").exists()


def test_a_python_that_cannot_be_started_is_one_sentence(copy):
    (copy / "requirements.txt").write_text("torch==0\n")
    done = launch(copy, "demo", REPRODUCE_PYTHON="/nowhere/python")
    assert done.returncode == 1
    assert done.stderr == (
        "reproduce: REPRODUCE_PYTHON is '/nowhere/python'; expected a Python, 3.11 to 3.13, that can be started\n"
    )


def test_an_environment_whose_python_cannot_be_started_is_one_sentence(copy):
    (copy / ".venv" / "bin" / "python").write_text("#!/nowhere/interpreter\n")
    done = launch(copy, "demo", "list")
    assert done.returncode == 1
    assert done.stderr.endswith(f"Delete {copy / '.venv'} and rerun; it will be rebuilt\n")


def test_an_environment_without_its_python_is_made_again(copy):
    (copy / ".venv" / "bin" / "python").unlink()
    (copy / ".venv" / "bin" / "python").symlink_to("/nowhere/python")
    done = launch(copy, "demo", REPRODUCE_PYTHON="/bin/false")
    assert f"creating {copy / '.venv'} with /bin/false" in done.stderr
    assert done.stderr.endswith("could not make .venv (on Debian and Ubuntu: apt install python3-venv)\n")
    assert not (copy / ".venv").exists()


def test_changed_pins_are_installed_and_a_failure_is_not_taken_for_success(copy):
    pip = copy / ".venv" / "bin" / "python"
    pip.write_text('#!/bin/sh\necho "$*" >> "$LOG"\nexit "${STATUS:-0}"\n')
    pins = copy / "requirements.txt"
    pins.write_text(pins.read_text() + "# changed\n")
    log = copy / "log"
    failed = launch(copy, "-n", LOG=str(log), STATUS="1")
    assert failed.returncode == 1
    assert "pip could not install" in failed.stderr
    assert launch(copy, "-n", LOG=str(log)).returncode == 0
    installs = [line for line in log.read_text().splitlines() if "pip install" in line]
    assert len(installs) == 3
    assert "torch==" in installs[0]
    log.unlink()
    assert launch(copy, "-n", LOG=str(log)).returncode == 0
    assert "pip" not in log.read_text()
