"""./reproduce in a copy of the project, with the environment of the running tests in place of its own."""

import ast
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PARTS = (
    "reproduce",
    "requirements.txt",
    "workflow/__init__.py",
    "workflow/commands/help.txt",
    "workflow/storage/__init__.py",
    "workflow/storage/surroundings.py",
)


@pytest.fixture
def copy(root, tmp_path) -> Path:
    """The launcher, the pins and an environment whose stamp matches them."""
    for name in PARTS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, tmp_path / name)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    program = programs / "python"
    program.write_text('#!/bin/sh\necho "python $*"\n')
    program.chmod(0o755)
    (tmp_path / ".venv" / "pyvenv.cfg").touch()
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


def test_an_older_python_can_read_it_and_find_another(root):
    for name in PARTS:
        if not name.endswith(".txt"):
            ast.parse((root / name).read_text(), name, feature_version=(3, 6))


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
    shutil.rmtree(copy / ".venv")
    done = launch(copy, "demo", REPRODUCE_PYTHON="/nowhere/python")
    assert done.returncode == 1
    assert done.stderr == (
        "reproduce: REPRODUCE_PYTHON is '/nowhere/python'; expected a Python, 3.11 to 3.13, that can be started\n"
    )


def test_a_python_is_named_from_where_the_user_stands(copy, tmp_path_factory):
    shutil.rmtree(copy / ".venv")
    folder = tmp_path_factory.mktemp("pythons")
    python_without(folder, "lzma")
    done = started_in(folder, f"exec '{sys.executable}' '{copy / 'reproduce'}'", REPRODUCE_PYTHON="./python")
    assert f"{folder}/./python lacks a part: ModuleNotFoundError" in done.stderr


def test_an_environment_whose_python_cannot_be_started_is_one_sentence(copy):
    (copy / ".venv" / "bin" / "python").write_text("#!/nowhere/interpreter\n")
    done = launch(copy, "demo", "list")
    assert done.returncode == 1
    assert done.stderr.endswith(f"Delete {copy / '.venv'} and rerun; it will be rebuilt\n")


def test_an_environment_of_another_user_is_not_to_be_deleted(copy):
    (copy / ".venv" / "bin" / "python").chmod(0o644)  # which not even root executes
    done = launch(copy, "demo", "list")
    sentence = f"{copy / '.venv/bin/python'}: Permission denied; its owner must let you read and execute it"
    assert (done.returncode, done.stderr) == (1, f"reproduce: {sentence}\n")


def test_an_environment_in_a_folder_that_cannot_be_entered_is_one_sentence(copy):
    name = "x" * 300
    done = launch(copy, "demo", REPRODUCE_ENVIRONMENT=str(copy / name))
    assert done.returncode == 1
    assert done.stderr.startswith(f"reproduce: {copy / name}")
    assert "File name too long" in done.stderr
    assert done.stderr.count("\n") == 1


def test_advice_to_delete_the_environment_is_about_its_own_files(copy):
    (copy / "requirements.txt").unlink()
    done = launch(copy, "demo")
    assert (done.returncode, done.stderr) == (
        1,
        f"reproduce: {copy / 'requirements.txt'}: No such file or directory\n",
    )


def started_in(folder, command, **variables):
    """A shell's command, with a clean environment, in a folder."""
    return subprocess.run(["/bin/sh", "-c", command], cwd=folder, env=variables, capture_output=True, text=True)


def test_a_current_folder_that_has_been_deleted_is_named(copy, tmp_path_factory):
    gone = tmp_path_factory.mktemp("gone")
    done = started_in(gone, f"rmdir '{gone}'; exec '{sys.executable}' '{copy / 'reproduce'}'")
    assert (done.returncode, done.stderr) == (1, "reproduce: the current folder: No such file or directory\n")


def test_an_environment_is_named_from_where_the_user_stands_and_needs_no_path(copy, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (copy / ".venv").rename(other / "mine")
    command = f"unset PATH; exec '{sys.executable}' -I '{copy / 'reproduce'}'"
    done = started_in(other, command, REPRODUCE_ENVIRONMENT="mine")
    assert (done.returncode, done.stdout, done.stderr) == (0, "python -m workflow.commands\n", "")


def test_an_environment_without_its_python_is_made_again(copy):
    (copy / ".venv" / "bin" / "python").unlink()
    (copy / ".venv" / "bin" / "python").symlink_to("/nowhere/python")
    done = launch(copy, "demo", REPRODUCE_PYTHON="/bin/false")
    assert f"creating {copy / '.venv'} with /bin/false" in done.stderr
    assert "/bin/false lacks a part: Command" in done.stderr
    assert done.stderr.count("\n") == 2


def python_without(folder, module):
    """A Python that cannot import a module of its own, as one that was built without a library."""
    program = folder / "python"
    program.write_text(
        f"""#!{sys.executable}
import sys
if sys.argv[1] == "-c" and {module!r} in sys.argv[2]:
    sys.exit("ModuleNotFoundError: No module named {module!r}")
"""
    )
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("module", ["lzma", "ssl", "sqlite3", "ensurepip"])
def test_a_module_that_python_lacks_is_named(copy, module):
    shutil.rmtree(copy / ".venv")
    python = python_without(copy, module)
    done = launch(copy, "demo", REPRODUCE_PYTHON=str(python))
    reason = f"ModuleNotFoundError: No module named {module!r}"
    assert f"reproduce: {python} lacks a part: {reason}. Install it" in done.stderr
    assert done.returncode == 1
    assert not (copy / ".venv").exists()


def test_packages_that_cannot_be_imported_do_not_count_as_installed(copy):
    (copy / ".venv" / "pins.sha256").unlink()
    shutil.copy2(python_without(copy, "torch"), copy / ".venv" / "bin" / "python")
    done = launch(copy, "demo")
    assert "cannot be used: ModuleNotFoundError: No module named 'torch'" in done.stderr
    assert not (copy / ".venv" / "pins.sha256").exists()


def test_a_folder_of_the_user_is_never_cleared(copy):
    (copy / "mine").mkdir()
    (copy / "mine" / "data").write_text("precious")
    done = launch(copy, "demo", REPRODUCE_ENVIRONMENT=str(copy / "mine"))
    assert done.returncode == 1
    assert f"{copy / 'mine'} is not empty" in done.stderr
    assert (copy / "mine" / "data").read_text() == "precious"


HOSTILE = {"PIP_TARGET": "/nowhere", "PIP_USER": "1", "PIP_DRY_RUN": "1", "PYTHONPATH": "/nowhere", "PYTHONHOME": "/no"}


def test_variables_of_pip_and_python_reach_neither_installation_nor_commands(copy):
    program = copy / ".venv" / "bin" / "python"
    program.write_text('#!/bin/sh\nenv | grep -E "^(PIP|PYTHON)" >> "$LOG"\n')
    (copy / ".venv" / "pins.sha256").unlink()
    hostile = {**HOSTILE, "PIP_INDEX_URL": "https://mirror.example/simple", "LOG": str(copy / "log")}
    own = {name: text for name, text in os.environ.items() if not name.startswith(("PIP_", "REPRODUCE_"))}
    done = subprocess.run([copy / "reproduce", "demo"], env={**own, **hostile}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen = set((copy / "log").read_text().splitlines())
    assert seen == {
        "PIP_INDEX_URL=https://mirror.example/simple", "PIP_USER=0", "PYTHONUTF8=1", "PYTHONNOUSERSITE=1",
    }  # fmt: skip


def test_changed_pins_are_installed_and_a_failure_is_not_taken_for_success(copy):
    pip = copy / ".venv" / "bin" / "python"
    pip.write_text('#!/bin/sh\necho "$*" >> "$LOG"\ncase "$*" in *install*) exit "${STATUS:-0}";; esac\n')
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
