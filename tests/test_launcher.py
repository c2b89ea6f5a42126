"""./reproduce in a copy of the project, with the environment of the running tests in place of its own."""

import fcntl
import hashlib
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

VERIFIES = 'case "$*" in *workflow.commands.verify*) exit "${DAMAGED:-0}";; esac'  # asked before every pipeline


@pytest.fixture
def copy(root, tmp_path) -> Path:
    """The launcher, the pins, the configurations and an environment whose stamp fits the pins."""
    for name in ("reproduce", "requirements.txt"):
        shutil.copy2(root / name, tmp_path / name)
    shutil.copytree(root / "config", tmp_path / "config")
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    program = programs / "python"
    program.write_text(f'#!/bin/sh\n{VERIFIES}\necho "python $*"\n')
    program.chmod(0o755)
    pins = hashlib.sha256((tmp_path / "requirements.txt").read_bytes()).hexdigest()
    (tmp_path / ".venv" / "pins.sha256").write_text(pins)
    return tmp_path


def launch(folder, *arguments, **environment):
    return subprocess.run(
        [sys.executable, str(folder / "reproduce"), *arguments],
        cwd=folder.parent,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ([], "python -m snakemake --configfile config/demo.yaml --nolock --cores all"),
        (["demo"], "python -m snakemake --configfile config/demo.yaml --nolock --cores all"),
        (["-n"], "python -m snakemake --configfile config/demo.yaml --nolock --cores all -n"),
        (["paper", "-j4"], "python -m snakemake --configfile config/paper.yaml --nolock -j4"),
        (
            ["paper", "--profile", "profiles/slurm"],
            "python -m snakemake --configfile config/paper.yaml --nolock --profile profiles/slurm",
        ),
        (["paper", "tables"], "python -m snakemake --configfile config/paper.yaml --nolock --cores all tables"),
        (["paper", "download"], "python -m snakemake --configfile config/paper.yaml --nolock --cores all prepared"),
        (
            ["config/demo.yaml", "figures"],
            "python -m snakemake --configfile config/demo.yaml --nolock --cores all figures",
        ),
        (["test", "-k", "x"], "python -m pytest -k x"),
        (["demo", "status"], "python -m workflow.commands.run status --configuration config/demo.yaml"),
        (
            ["demo", "run", "--model", "lstm"],
            "python -m workflow.commands.run run --model lstm --configuration config/demo.yaml --cores all",
        ),
    ],
)
def test_the_launcher_hands_over(copy, arguments, command):
    run = launch(copy, *arguments)
    assert (run.returncode, run.stdout.strip(), run.stderr) == (0, command, "")


def test_nothing_is_computed_with_damaged_files(copy):
    for arguments in ([], ["paper", "tables"], ["demo", "run"], ["-n"]):
        run = launch(copy, *arguments, DAMAGED="1")
        assert (run.returncode, run.stdout) == (1, "")


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


def test_an_unknown_word_is_one_sentence(copy):
    run = launch(copy, "dmeo")
    assert run.returncode == 1
    assert run.stderr.startswith("reproduce: 'dmeo' is neither a configuration (comparison, demo, paper, sample)")
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("word", "hint"), [("trian", "did you mean 'train'?"), ("verfy", "did you mean 'verify'?"), ("x", "known: all, ")]
)
def test_a_misspelt_target_is_one_sentence(copy, word, hint):
    run = launch(copy, "demo", word)
    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (1, "", 1)
    assert run.stderr.startswith(f"reproduce: {word!r} is neither a target nor a command; {hint}")


def test_every_target_is_a_rule(root):
    launcher = runpy.run_path(str(root / "reproduce"))
    rules = "".join(path.read_text() for path in [root / "workflow/Snakefile", *root.glob("workflow/rules/*.smk")])
    for word in launcher["TARGETS"]:
        assert f"rule {launcher['GOALS'].get(word, word)}:" in rules


@pytest.mark.parametrize("command", ["verify", "harmless"])
@pytest.mark.parametrize("option", ["--help", "-n"])
def test_options_of_a_command_are_answered_by_it(copy, command, option):
    (copy / ".venv/bin/python").write_text('#!/bin/sh\necho "python $*"\n')
    run = launch(copy, "demo", command, option)
    assert run.stdout.startswith(f"python -m workflow.{command} --config config/demo.yaml")
    assert run.stdout.endswith(f"{option}\n")
    assert run.stdout.count("\n") == 1


def test_a_misspelt_experiment_is_told_before_anything_is_waited_for(copy):
    (copy / ".venv/bin/python").write_text("#!/bin/sh\necho typo >&2\nexit 2\n")
    folder = copy / "results"
    folder.mkdir()
    with (folder / ".demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run = launch(copy, "demo", "run", "--model", "foo")
    assert (run.returncode, run.stderr) == (2, "typo\n")


@pytest.mark.parametrize("command", ["run", "array", "list", "status", "harmless", "verify", "cost"])
def test_config_is_refused_rather_than_dropped_where_the_file_is_what_counts(copy, command):
    done = launch(copy, "demo", command, "--config", "seeds=[1]")
    assert done.returncode == 1
    assert done.stderr.startswith(f"reproduce: {command} goes by config/demo.yaml as it is, without --config;")
    assert ("use --set KEY=VALUE" in done.stderr) == (command == "run")


def test_a_python_that_cannot_be_started_is_one_sentence(copy):
    (copy / "requirements.txt").write_text("torch==0\n")
    done = launch(copy, "demo", REPRODUCE_PYTHON="/nowhere/python")
    assert done.returncode == 1
    assert done.stderr == (
        "reproduce: REPRODUCE_PYTHON is '/nowhere/python'; expected a Python, 3.11 to 3.13, that can be started\n"
    )


def test_an_environment_whose_python_cannot_be_started_is_told(copy):
    (copy / ".venv" / "bin" / "python").write_text("#!/nowhere/interpreter\n")
    done = launch(copy, "demo", "list")
    assert done.returncode == 1
    assert done.stderr.endswith(f"remove {copy / '.venv'} and start again, then it is made anew\n")


def test_an_environment_without_its_python_is_made_again(copy):
    (copy / ".venv" / "bin" / "python").unlink()
    (copy / ".venv" / "bin" / "python").symlink_to("/nowhere/python")
    done = launch(copy, "demo", REPRODUCE_PYTHON="/bin/false")
    assert "making .venv with /bin/false" in done.stderr
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


def test_two_pipelines_on_one_configuration_are_kept_apart_and_a_killed_one_leaves_no_lock(copy):
    python = copy / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\ncase "$*" in *workflow.*) exit 0;; esac\necho started\nexec cat\n')
    command = [sys.executable, str(copy / "reproduce")]
    first = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert first.stdout.readline() == "started\n"
        second = launch(copy)
        assert second.returncode == 1
        assert "another ./reproduce is at work on config/demo.yaml" in second.stderr
        assert "another ./reproduce is at work" in launch(copy, "demo", "run").stderr
        for harmless in (["-n"], ["demo", "list"], ["demo", "status"], ["demo", "run", "-n"]):
            assert subprocess.run([*command, *harmless], stdin=subprocess.DEVNULL, timeout=600).returncode == 0
        assert subprocess.run([*command, "sample"], stdin=subprocess.DEVNULL, timeout=600).returncode == 0
    finally:
        first.kill()
        first.communicate()
    third = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (third.returncode, third.stdout) == (0, "started\n")


def test_a_file_of_the_same_name_elsewhere_does_not_take_over_the_results(copy):
    (copy / "other").mkdir()
    shutil.copy2(copy / "config" / "demo.yaml", copy / "other" / "demo.yaml")
    assert launch(copy).returncode == 0
    (copy / "results" / "demo").mkdir()
    refused = launch(copy, "other/demo.yaml")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "results/demo is made from config/demo.yaml; rename other/demo.yaml" in refused.stderr
    assert launch(copy, "demo").returncode == 0
    (copy / "config" / "demo.yaml").unlink()  # it was moved
    assert launch(copy, "other/demo.yaml").returncode == 0
