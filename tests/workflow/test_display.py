"""What a reader sees of the pipeline: in a log, on a terminal, of a failed job and of a dry run."""

import os
import pty
import re
import sys
from types import SimpleNamespace

import pytest
from projects import TINY, Project, checkout

from workflow.commands import display, screen

SHOW_CURSOR, HIDE_CURSOR = b"\x1b[?25h", b"\x1b[?25l"
PATH = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"  # noqa: PTH120
REPRODUCE = [sys.executable, "-m", "workflow.commands", "tiny"]


@pytest.fixture
def project(root, tmp_path):
    found = Project(checkout(root, tmp_path / "project"))
    found.write_config(TINY)
    return found


def on_a_terminal(project, *words, interrupt_at=b"\0"):
    """What `./reproduce tiny WORDS` writes to a terminal, with Ctrl-C once that appears, and its exit code."""
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(project.root)
        os.execve(sys.executable, [*REPRODUCE, *words], {**os.environ, "PATH": PATH, "TERM": "xterm"})
    written = b""
    with os.fdopen(terminal, "r+b", buffering=0) as keyboard:
        while True:
            try:
                written += keyboard.read(65536)
            except OSError:  # its other end is closed
                break
            if interrupt_at in written:
                keyboard.write(b"\x03")
                interrupt_at = b"\0"
    return written, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_log_has_a_line_for_each_job(project):
    planned = project.reproduce("download", "-n").stdout.splitlines()
    assert planned[0].split() == ["1", "generate", "new"]
    jobs = int(planned[-1].split()[0])
    ran = project.reproduce("download")
    assert ran.returncode == 0, ran.stderr
    lines = ran.stderr.splitlines()
    started = [line for line in lines if re.match(r"\[\d+ of \d+ done(, about .+ left)?\] ", line)]
    assert [line.partition("] ")[2] for line in started] == [
        "Generating the demo data set",
        "Downloading demo",
        "Unpacking demo",
        "Decoding demo",
        "Splitting demo",
    ]
    assert len(started) == jobs - 1, "all but the one that only asks for the others"
    assert re.fullmatch(rf"reproduce: {jobs} jobs done in .+; results/tiny has .*", lines[-1])
    assert not re.search("Reason:|jobid|Select jobs|SNAKEMAKE|resources:", ran.stderr)
    assert max(map(len, lines)) <= display.WIDTH
    assert len(lines) <= 30
    assert "Nothing to be done" in project.reproduce("download").stderr


def test_quiet_prints_less(project):
    assert project.reproduce("download", "-n", "-q").stdout == "6 jobs would run\n"
    ran = project.reproduce("download", "--quiet")
    assert ran.returncode == 0, ran.stderr
    assert "Decoding demo" not in ran.stderr
    assert "jobs done" not in ran.stderr
    assert "SNAKEMAKE" not in ran.stdout + ran.stderr


def test_a_job_that_makes_no_results_is_counted_alone(finished):
    ran = finished.reproduce("--forcerun", "prepared", "--until", "prepared")
    assert re.fullmatch(r"reproduce: 1 job done in \d+ s", ran.stderr.splitlines()[-1]), ran.stderr


def test_verbose_is_all_that_snakemake_prints(project):
    assert re.search(r"^Job stats:$.*^Reason: Missing output", project.reproduce("-n", "-v").stdout, re.M | re.S)
    assert "jobs in all" not in project.reproduce("-n", "--quiet").stdout


def test_a_dry_run_names_the_reason_for_each_kind_of_job(finished):
    config = {**TINY, "models": {**TINY["models"]}, "seeds": [0, 1]}
    config["models"]["lstm"] = {**TINY["models"]["lstm"], "hidden_size": 16}
    finished.write_config(config)
    try:
        lines = finished.reproduce("-n").stdout.splitlines()
    finally:
        finished.write_config(TINY)
    found = {line.split()[1]: line.split(maxsplit=2)[::2] for line in lines[:-1]}
    number, reasons = found["train"]
    assert number == "2"
    assert sorted(reasons.split(", ")) == ["fold0/seed1 is not trained (1)", "specification changed (1)"]
    assert found["configuration"] == ["1", "changed parameters"]
    assert found["collect"] == ["1", "follows another job"]
    assert lines[-1].split()[0] == str(sum(int(number) for number, _ in found.values()))
    assert max(map(len, lines)) <= display.WIDTH


def test_a_dry_run_says_which_runs_would_be_trained_when_the_data_are_made_again(finished):
    """The others are only compared with the new data."""
    models = {**TINY["models"], "lstm": {**TINY["models"]["lstm"], "hidden_size": 16}}
    finished.write_config({**TINY, "models": models, "datasets": {"demo": {"max_undecodable": 0.02}}})
    try:
        lines = finished.reproduce("-n").stdout.splitlines()
    finally:
        finished.write_config(TINY)
    found = {line.split()[1]: line.split(maxsplit=2)[2] for line in lines[:-1]}
    assert found["frames"] == "changed parameters"
    assert sorted(found["train"].split(", ")) == ["follows another job (1)", "specification changed (1)"]


def test_jobs_that_are_forced_are_not_called_new(finished):
    lines = finished.reproduce("-n", "-F").stdout.splitlines()[:-1]
    assert {line.split(maxsplit=2)[2] for line in lines} == {"forced"}


def break_generation(project, printed=0):
    step = project.root / "workflow" / "datasets" / "generate.py"
    failing = f"import sys\nprint(*range({printed}), sep='\\n', file=sys.stderr)\nraise SystemExit('error: on purpose')"
    step.write_text(step.read_text().replace("\nimport ", f"\n{failing}\nimport ", 1))


def test_a_failed_job_shows_its_error_and_the_end_of_its_log(project):
    break_generation(project, printed=500)
    ran = project.reproduce("download")
    assert ran.returncode == 1
    log = "results/tiny/logs/generate.log"
    end = "".join(f"  {number}\n" for number in range(501 - display.LOG_LINES, 500)) + "  error: on purpose\n"
    assert f"error: Generating the demo data set: returned non-zero exit status 1; its log: {log}\n{end}" in ran.stderr
    assert len(ran.stderr.splitlines()) < display.LOG_LINES + 10
    assert ran.stderr.count("error: on purpose\n") == 1
    full = re.fullmatch(r"reproduce: 1 of 6 jobs failed; Snakemake's full log: (.+)", ran.stderr.splitlines()[-1])[1]
    with open(full) as file:  # noqa: PTH123
        assert "Error in rule generate" in file.read()


def test_a_terminal_shows_one_live_display_and_is_left_clean(project):
    written, code = on_a_terminal(project, "download")
    assert code == 0, written
    assert written.count(HIDE_CURSOR) == written.count(SHOW_CURSOR) == 1
    assert written.index(HIDE_CURSOR) < written.index(b"Decoding demo") < written.index(SHOW_CURSOR)
    assert b"demo: folds of 400 clips" in written, "what a step prints stands above the display"
    assert b"5 of 6 jobs" in written
    *_, last = written.splitlines()
    assert b"reproduce: 6 jobs done in " in last
    assert b"[0 of 6 done]" not in written


def test_a_terminal_shows_the_error_of_a_failed_job(project):
    break_generation(project)
    written, code = on_a_terminal(project, "download")
    assert code == 1
    assert written.count(b"error: on purpose\r\n") == 1
    assert written.count(HIDE_CURSOR) == written.count(SHOW_CURSOR) == 1


def test_an_interruption_leaves_a_clean_terminal(project):
    written, code = on_a_terminal(project, "download", interrupt_at=b"Generating the demo data set")
    assert code == 130
    assert written.count(HIDE_CURSOR) == written.count(SHOW_CURSOR) == 1
    assert written.index(SHOW_CURSOR) < written.index(b"reproduce: interrupted; what is running saves and ends")
    assert b"Traceback" not in written


def test_how_far_a_job_is_comes_from_its_log(tmp_path):
    def shown(log):
        return screen.HowFar().render(SimpleNamespace(fields={"left": "", "log": str(log)})).plain

    log = tmp_path / "train.log"
    assert shown(log) == "", "there is none yet"
    log.write_text("device auto: computing on the CPU\n" + "x" * screen.TAIL + "\n")
    assert shown(log) == ""
    with log.open("a") as file:
        file.write("demo/pixels/lstm/group/fold0/seed1: 3 of 20 epochs, 1.9 epochs/s, train_loss=2.0\n")
    assert shown(log) == "fold0/seed1: 3 of 20 epochs"
    log.write_text("frames: 40 of 400 clips, 36.34 clips/s\nframes: 80 of 400 clips, 84.49 clips/s\n")
    assert shown(log) == "80 of 400 clips"


def test_the_time_left_is_that_of_the_jobs_that_are_left(monkeypatch):
    handler = display.LogHandler(SimpleNamespace(dryrun=False, quiet=None), None)
    monkeypatch.setattr(display.time, "monotonic", lambda: 100.0)
    handler.planned.update(fit=2, train=4, tables=2)
    assert handler._left() == ""
    handler.times = {"tables": [1.0]}
    assert handler._left() == "", "how long a training takes is not known"
    handler.times = {"train": [10.0, 14.0]}
    handler.jobs = {3: display.Job("train", "", started=95.0)}
    assert handler._left() == ", about 19 s left"  # 2 x 12 - 5
    handler.jobs[4] = display.Job("train", "", started=61.0)  # longer than the others: the mean of 10, 14 and 39 is 21
    assert handler._left() == ", about 8 s left"  # (2 x 21 - 5 - 21) / 2
    handler.times["train"] *= 2
    assert handler._left() == "", "nothing is known of those that are left"
    handler.closed = True
