"""Command lines of steps: options from a signature, one sentence and an exit status for errors."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
import typer

from workflow.storage.command_line import call
from workflow.storage.errors import InputError

STEP = '''"""Does something.

In several sentences.
"""

from typing import Annotated

import typer

from workflow.storage.command_line import command_line
from workflow.storage.errors import InputError


def main(count: Annotated[int, typer.Option(min=1, help="of things")], missing: str = "") -> None:
    if missing:
        open(missing)
    if count > 3:
        raise InputError(f"count {count}: expected at most 3")
    print(count)


if __name__ == "__main__":
    command_line(main)
'''


@pytest.mark.parametrize(
    ("arguments", "status", "output", "error"),
    [
        (["--count", "2"], 0, "2\n", ""),
        (["--help"], 0, "Does something.", ""),
        (["-h"], 0, "Does something.", ""),
        (["--count", "4"], 1, "", "error: count 4: expected at most 3\n"),
        (["--count", "2", "--missing", "gone"], 1, "", "error: gone: No such file or directory\n"),
        ([], 2, "", "Missing option '--count'"),
        (["--count", "0"], 2, "", "Invalid value for '--count'"),
    ],
)
def test_a_step_ends_with_its_result_or_one_sentence(root, tmp_path, arguments, status, output, error):
    (tmp_path / "step.py").write_text(STEP)
    command = [sys.executable, str(tmp_path / "step.py"), *arguments]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env={"PYTHONPATH": str(root)})
    assert run.returncode == status
    assert output in run.stdout
    assert run.stderr == error if status == 1 else error in run.stderr
    assert "Traceback" not in run.stderr


def test_a_step_that_succeeds_runs_what_waits_for_its_end(root, tmp_path):
    late = "import atexit\natexit.register(lambda: print('late'))\n"
    (tmp_path / "step.py").write_text(STEP.replace("from typing", late + "from typing", 1))
    command = [sys.executable, str(tmp_path / "step.py"), "--count", "2"]
    run = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(root)})
    assert (run.returncode, run.stdout, run.stderr) == (0, "2\nlate\n", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_step_whose_output_is_lost_fails(root, tmp_path):
    (tmp_path / "step.py").write_text(STEP)
    command = [sys.executable, str(tmp_path / "step.py"), "--count", "2"]
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env={"PYTHONPATH": str(root)})
    assert (run.returncode, run.stderr) == (1, "reproduce: standard output: No space left on device\n")


def test_errors_of_a_step_that_is_called_propagate():
    called = []

    def step(folder: Annotated[Path, typer.Option()], names: Annotated[list[str], typer.Option("--name")]) -> None:
        called.append((folder, names))
        if "bad" in names:
            raise InputError("bad name")

    call(step, ["--folder", Path("x"), "--name", "a", "--name", "b"])
    assert called == [(Path("x"), ["a", "b"])]
    with pytest.raises(InputError, match="bad name"):
        call(step, ["--folder", "x", "--name", "bad"])
