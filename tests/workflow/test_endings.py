"""Programs end without a traceback: their reader has left, Ctrl-C at any point, a crash."""

import contextlib
import errno
import os
import signal
import subprocess
import sys

import psutil
import pytest

from workflow.commands import pipeline
from workflow.storage import endings

INTERRUPTED = "import os, signal, time\ndef interrupt(): os.kill(os.getpid(), signal.SIGINT)\n"
PIPELINE = f"""{INTERRUPTED}
import asyncio
from snakemake import cli
from workflow.commands import pipeline
def emit():
    try:
        BODY
    except KeyboardInterrupt:
        pass
def begin(step, run=asyncio.Handle._run):
    asyncio.Handle._run = run
    interrupt()
    run(step)
def lose_a_step():
    asyncio.Handle._run = begin
    with asyncio.Runner() as runner:
        runner.run(asyncio.sleep(0))
def main(arguments):
    CALL
    signal.pause()
cli.main = main
pipeline.run_snakemake([])
"""


HANGING = 60  # seconds until something counts as hanging, however busy the machine is


def start(root, *words, **settings):
    return subprocess.Popen([*words], cwd=root, text=True, stderr=subprocess.PIPE, stdout=subprocess.PIPE, **settings)


@pytest.mark.parametrize("arguments", [["list"], ["cost", "--help"], ["status"], ["-n"], ["-n", "--quiet"], ["--help"]])
def test_a_reader_that_leaves_ends_a_command_quietly(root, arguments):
    process = start(root, sys.executable, "-m", "workflow.commands", "demo", *arguments)
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait() != 0
    assert not [line for line in error.splitlines() if not line.startswith("Using workflow specific profile")]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
@pytest.mark.parametrize(
    "words",
    [
        ["reproduce", "--help"],
        ["-m", "workflow.commands", "--version"],
        ["-m", "workflow.commands", "demo", "--help"],
        ["-m", "workflow.commands", "demo", "--help", "-v"],
        ["-m", "workflow.commands", "demo", "-n"],
        ["-m", "workflow.commands", "demo", "list", "--help"],
    ],
    ids=" ".join,
)
def test_output_on_a_full_disk_is_one_line(root, words):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run([sys.executable, *words], cwd=root, text=True, stdout=full, stderr=subprocess.PIPE)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("Using workflow specific profile")]
    (line,) = lines
    assert done.returncode == 1
    assert line in ("reproduce: standard output: No space left on device", "cat: write error: No space left on device")


def test_without_standard_output_a_command_succeeds(root):
    command = ["sh", "-c", f"'{sys.executable}' -m workflow.commands --version >&-"]
    done = subprocess.run(command, cwd=root, text=True, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, "")


CHILD = "import os; print([os.fstat(number).st_mode for number in range(3)])"
PARENT = f"import subprocess, sys, workflow; sys.exit(subprocess.call([sys.executable, '-c', '{CHILD}']))"


def test_a_closed_stream_is_open_for_all_that_a_program_starts(root):
    """Else a lock would be opened as number 0, 1 or 2, and a step that prints would fail or write into it."""
    done = subprocess.run(["sh", "-c", f'"{sys.executable}" -c "{PARENT}" <&- >&- 2>&-'], cwd=root)
    assert done.returncode == 0


def test_help_of_the_launcher_ends_quietly(root):
    process = start(root, sys.executable, root / "reproduce", "--help")
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == -signal.SIGPIPE


def pending_interruption():
    """SIGINT waits, as the launcher leaves it while Python starts."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("module", ["workflow.commands", "workflow.datasets.frames", "workflow.training.run"])
def test_an_interruption_while_a_program_starts_is_one_line(root, module):
    process = start(root, sys.executable, "-m", module, preexec_fn=pending_interruption)
    output, error = process.communicate()
    assert (output, error) == ("", "interrupted; start again to continue\n")
    assert process.returncode == -signal.SIGINT


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("interrupt()", "pass"),
        ("emit()", "interrupt()"),
        ("lose_a_step()", "pass"),
        ("print('a failed step'); interrupt()", "pass"),
    ],
    ids=["in Snakemake", "in its log, which drops it", "in its event loop, which loses a step", "after output"],
)
def test_an_interruption_of_the_pipeline_is_one_line(root, call, body):
    process = start(root, sys.executable, "-c", PIPELINE.replace("CALL", call).replace("BODY", body))
    _, error = process.communicate()
    assert error == "reproduce: interrupted; what is running saves and ends, the next start continues\n"
    assert process.returncode == pipeline.INTERRUPTED


STEP = """
import os, signal, sys
with open(sys.argv[1], "w") as begun:
    print(os.getpid(), file=begun)
signal.pause()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_pipeline_alone_ends_its_steps(root, tmp_path, number):
    """Snakemake itself, with a step that would wait forever."""
    (tmp_path / "step.py").write_text(STEP)
    (tmp_path / "Snakefile").write_text(f"rule step:\n  output: 'x'\n  shell: '{sys.executable} step.py begun | cat'\n")
    os.mkfifo(tmp_path / "begun")
    code = "from workflow.commands import pipeline; pipeline.run_snakemake(['--cores', '1'])"
    environment = {**os.environ, "PYTHONPATH": str(root)}
    process = start(tmp_path, sys.executable, "-c", code, env=environment, start_new_session=True)
    step = psutil.Process(int((tmp_path / "begun").read_text()))
    try:
        process.send_signal(number)
        _, error = process.communicate(timeout=HANGING)
        assert psutil.wait_procs([step], timeout=HANGING)[0] == [step]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert error.endswith("reproduce: interrupted; what is running saves and ends, the next start continues\n")
    assert process.returncode == pipeline.INTERRUPTED


def test_a_pipeline_whose_reader_left_ends(root):
    call = "import sys; print('x' * 100_000, flush=True)"
    process = start(root, sys.executable, "-c", PIPELINE.replace("CALL", call).replace("BODY", "pass"))
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == -signal.SIGPIPE


def crash():
    try:
        raise KeyError("a\nb")
    except KeyError:
        endings.end(*sys.exc_info())


def test_a_crash_is_one_line_that_names_its_log(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(endings, "CRASHES", tmp_path / "crashes")
    crash()
    (log,) = (tmp_path / "crashes").iterdir()
    line = (
        f"error: unexpected KeyError: 'a\\nb'; the full log is {log}; please report it as CONTRIBUTING.md describes\n"
    )
    assert capsys.readouterr().err == line
    assert "Traceback" in log.read_text()


def test_snakemake_prints_no_traceback(tmp_path, monkeypatch):
    from snakemake import exceptions

    monkeypatch.setattr(endings, "CRASHES", tmp_path)
    described = pipeline._without_traceback(exceptions.format_exception_to_string)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/results/x")
    assert described(full) == "/results/x: No space left on device"
    assert described(exceptions.WorkflowError("a sentence")) == "WorkflowError:\na sentence"
    assert list(tmp_path.iterdir()) == []
    try:
        raise AttributeError("a mistake of ours")
    except AttributeError as error:
        line = described(error)
    (log,) = tmp_path.iterdir()
    assert line.startswith(f"error: unexpected AttributeError: a mistake of ours; the full log is {log}; please report")
    assert "\n" not in line
    assert "Traceback" in log.read_text()


def test_a_crash_below_a_folder_whose_name_is_not_utf_8_has_its_log(tmp_path, monkeypatch):
    monkeypatch.setattr(endings, "CRASHES", tmp_path)
    assert "the full log is" in endings.crash(KeyError(), "in /\udcff/x")


def test_a_crash_without_a_place_for_its_log_loses_nothing(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setattr(endings, "CRASHES", tmp_path / "file" / "crashes")
    monkeypatch.setattr(endings.tempfile, "tempdir", str(tmp_path / "file" / "temporary"))
    crash()
    assert "no log could be written:\nTraceback" in capsys.readouterr().err
