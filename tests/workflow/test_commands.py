"""The commands of ./reproduce: which one is meant, what is checked before it, and one sentence for every mistake."""

import contextlib
import json
import os
import shutil
import subprocess
import sys

import forked
import pytest
import yaml
from projects import TINY

from workflow.commands import __main__ as commands
from workflow.commands import pipeline, reference
from workflow.storage import lock

TYPOS = {
    ("demo", "-n", "--configfile", "config/paper.yaml"): "--configfile would write other results",
    ("demo", "--directory=/tmp"): "--directory=/tmp would write other results than those of config/demo.yaml",
    ("demo", "tables", "--output", "x"): "--output would write other results than those of config/demo.yaml",
    ("demo", "-j", "0"): "-j 0: expected 1 or more",
    ("demo", "run", "--cores=0"): "--cores=0: expected 1 or more",
    ("reference", "papre"): "unknown target 'papre'; did you mean 'paper'?",
    ("deom",): "'deom' is neither a configuration, a YAML file nor a command; did you mean 'demo'?",
    ("x",): "'x' is neither a configuration, a YAML file nor a command; configurations: ablation, demo, paper",
    ("demo", "trian"): "'trian' is neither a target nor a command; did you mean 'train'?",
    ("demo", "tables", "figurs"): "'figurs' is neither a target nor a command; did you mean 'figures'?",
    ("status",): "'status' needs a configuration: ./reproduce CONFIG status, such as demo status",
    ("demo", "--forcerun", "train"): "'train' comes after --forcerun; targets come before Snakemake's options, and "
    "./reproduce CONFIG run --force trains finished runs again",
    ("demo", "-n", "--forcerun=train"): "'train' comes after -n; targets come before Snakemake's options",
    ("demo", "run", "-n", "demo", "pixels"): "'demo' comes after -n; names come before Snakemake's options",
    ("demo", "run", "demo", "-n", "lstm"): "'lstm' comes after -n; names come before Snakemake's options",
    ("demo", "run", "-n", "results/demo/runs/demo"): "'results/demo/runs/demo' comes after -n; names come before",
    (
        "demo",
        "list",
        "results/demo-1/runs/demo",
    ): "results/demo-1/runs/demo: belongs to results/demo-1, not results/demo; for a variant add its --set KEY=VALUE",
    ("demo", "list", "--set", "folds=[0]", "results/demo/runs/demo"): "belongs to results/demo, not results/demo-",
    ("demo", "run", "--set", "data=paper"): "--set data: follows from the other settings; leave it out",
    ("demo", "--config", "name=other"): "--config name=other: 'name' decides which results are written; change it in "
    "config/demo.yaml",
    ("demo", "-C", "folds=[0]", "data=x"): "--config data=x: 'data' decides which results are written; change it in ",
    ("demo", "--config=seeds"): "--config seeds: expected KEY=VALUE, such as 'seeds=[0]'; targets come before options",
    (
        "demo",
        "--config",
        "folds=[0]",
        "tables",
    ): "--config tables: expected KEY=VALUE, such as 'seeds=[0]'; targets come",
    ("demo", "verfy"): "'verfy' is neither a target nor a command; did you mean 'verify'?",
    ("demo", "list", "--model", "lst"): "model: no run has 'lst'; did you mean 'lstm'?",
    ("demo", "run", "ucf11"): "dataset: no run has 'ucf11'; known: demo",
    ("demo", "list", "demo", "pixels", "lstm", "0"): "protocol: no run has '0'; known: ",
    ("demo", "list", "demo/pixels/lstm/group/fold0/seed0/result.json"): "'result.json' is one name too many; expected",
    ("demo", "list", "demo/pixel"): "front_end: no run has 'pixel'; did you mean 'pixels'?",
    ("demo", "list", "demo/pixels/lstm/random/fold0", "--fold", "1"): "fold: no run has 0; known: 1",
    (
        "demo",
        "run",
        "demo/pixels/lstm/random/fold0",
        "demo/pixels/ht_lstm",
    ): "run takes one RUN at a time; 2 were",
    ("demo", "status", "--sed"): "No such option: --sed",
    ("demo", "run", "--set", "training.epohcs=2"): "training: unknown key 'epohcs'; did you mean 'epochs'?",
    ("demo", "cost", "--config", "seeds=[1]"): "cost uses config/demo.yaml as it is, without --config; change the file",
    ("demo", "run", "--config=seeds=[1]"): "or use --set KEY=VALUE, which keeps the results apart",
}


@pytest.fixture
def place(root, tmp_path, monkeypatch):
    """A folder with the configurations, whose path is the working folder."""
    shutil.copytree(root / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def started(place, monkeypatch):
    """Every call of Snakemake, by its arguments; none is made."""
    calls = []

    def call(arguments):
        calls.append(" ".join(arguments))
        raise SystemExit(0)

    monkeypatch.setattr(pipeline, "run_snakemake", call)
    return calls


@pytest.mark.parametrize(
    ("arguments", "snakemake"),
    [
        ([], "--configfile config/demo.yaml --nolock --cores all"),
        (["demo"], "--configfile config/demo.yaml --nolock --cores all"),
        (["-n"], "--configfile config/demo.yaml --nolock --cores all -n"),
        (["paper", "-j4"], "--configfile config/paper.yaml --nolock -j4"),
        (["paper", "--profile", "profiles/slurm"], "--configfile config/paper.yaml --nolock --profile profiles/slurm"),
        (["paper", "tables"], "--configfile config/paper.yaml --nolock --cores all tables"),
        (["paper", "download"], "--configfile config/paper.yaml --nolock --cores all prepared"),
        (["demo", "tables", "train", "-j4"], "--configfile config/demo.yaml --nolock tables trained -j4"),
        (["demo", "--config", "seeds=[0]"], "--configfile config/demo.yaml --nolock --cores all --config seeds=[0]"),
        (["config/demo.yaml", "figures"], "--configfile config/demo.yaml --nolock --cores all figures"),
        (["reference", "train"], "--configfile config/reference.yaml --nolock --cores all trained"),
    ],
)
def test_the_pipeline_is_what_no_command_is(started, arguments, snakemake):
    with pytest.raises(SystemExit):
        commands.main(arguments)
    assert started == [snakemake]


def test_the_article_of_the_reference_needs_no_training(started, monkeypatch):
    made = []
    monkeypatch.setattr(reference, "make", lambda results, output, targets: made.append(tuple(targets)))
    for words in (["reference"], ["reference", "paper"], ["reference", "tables", "report"]):
        assert commands.main(words) == 0
    assert made == [reference.TARGETS, ("paper",), ("tables", "report")]
    assert started == []


@pytest.mark.parametrize("words", TYPOS)
def test_a_mistake_is_one_sentence(started, capsys, words):
    assert commands.main(list(words)) in (1, 2)
    error = capsys.readouterr().err
    assert error.startswith("reproduce: ")
    assert error.count("\n") == 1
    assert TYPOS[words] in error
    assert started == []


def test_an_option_that_snakemake_does_not_know_is_one_sentence(root):
    command = [sys.executable, "-m", "workflow.commands", "demo", "-n", "--forec"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith(
        "reproduce: '--forec' is not an option of this command or of Snakemake"
    )
    assert "did you mean '--force'?" in done.stderr


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("run -n --modle lstm", "'--model'"),
        ("run -n --mod lstm", "'--model'"),  # not Snakemake's --mode
        ("-n --model lstm", "./reproduce CONFIG run --model"),
        ("--core 0 -n", "'--cores'"),  # which would wait forever
    ],
)
def test_a_wrong_option_is_taken_for_none_and_those_of_run_are_suggested_first(root, words, hint):
    done = forked.run("workflow.commands", ["demo", *words.split()], root)
    word = next(word for word in words.split() if word.startswith("--"))
    last = f"reproduce: {word!r} is not an option of this command or of Snakemake; did you mean {hint}?"
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, last)


def test_every_target_is_a_rule(root):
    command = [sys.executable, "-m", "snakemake", "--list-rules"]
    rules = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.split()
    assert {pipeline.GOALS.get(word, word) for word in pipeline.TARGETS} <= set(rules)


@pytest.mark.parametrize("name", [*commands.CONFIGURED, "reference", "agree", "docs"])
def test_every_command_explains_itself_and_each_of_its_options(started, capsys, name):
    words = [name] if name in commands.PROJECT else ["demo", name]
    assert commands.main([*words, "--help"]) == 0
    page = capsys.readouterr().out
    assert page.startswith(f"Usage: ./reproduce {' '.join(words)}")
    options = page.partition("Options:")[2].splitlines()
    assert all(len(line.split("  ")) > 1 for line in options if line.strip().startswith("-")), options
    assert f"  ./reproduce {'CONFIG ' if words[1:] else ''}{name}" in help_page()


@pytest.mark.parametrize("words", ["demo --help", "demo -h", "paper tables -n --help", "--cores 1 --help"])
def test_the_help_of_the_pipeline_is_one_page(started, capsys, words):
    assert commands.main(words.split()) == 0
    assert capsys.readouterr().out == help_page()
    assert not started


def help_page():
    return (pipeline.Path(commands.__file__).parent / "help.txt").read_text()


@pytest.mark.parametrize("words", [["--version"], ["demo", "--version"]])
def test_versions(root, monkeypatch, capsys, words):
    monkeypatch.chdir(root)
    assert commands.main(words) == 0
    page = capsys.readouterr().out
    assert all(word in page for word in ("fdht-lstm", "Python 3.", "torch 2.", "snakemake 9."))


def test_two_pipelines_of_one_configuration_are_kept_apart(started, place, capsys):
    held = lock.attempt(place / "results" / ".demo.lock")
    for words in ([], ["demo", "run"]):
        assert commands.main(words) == 1
        assert "another ./reproduce is running on config/demo.yaml" in capsys.readouterr().err
    for words in (["-n"], ["sample", "tables"]):
        with pytest.raises(SystemExit):
            commands.main(words)
    for words in (["demo", "list"], ["demo", "status"]):
        assert commands.main(words) == 0
    held.close()
    with pytest.raises(SystemExit):
        commands.main(["demo"])


def test_the_lock_lasts_until_the_process_ends_even_if_it_is_killed(root, tmp_path):
    """A pipeline that stands still in place of Snakemake."""
    code = (
        "import sys\n"
        "from workflow.commands import __main__ as commands, pipeline\n"
        "pipeline.run_snakemake = lambda arguments: (print('started', flush=True), sys.stdin.read(), sys.exit(0))\n"
        "sys.exit(commands.main(['demo']))\n"
    )
    shutil.copytree(root / "config", tmp_path / "config")
    start = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(root)}, "text": True, "stdout": subprocess.PIPE}
    first = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, **start)
    try:
        assert first.stdout.readline() == "started\n"
        second = subprocess.run([sys.executable, "-c", code], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, **start)
        assert (second.returncode, second.stdout) == (1, "")
        assert "another ./reproduce is running on config/demo.yaml" in second.stderr
    finally:
        first.kill()
        first.communicate()
    third = subprocess.run([sys.executable, "-c", code], stdin=subprocess.DEVNULL, **start)
    assert (third.returncode, third.stdout) == (0, "started\n")


def test_the_data_of_another_configuration_are_locked_and_not_changed(started, place, capsys):
    def use(name, **changes):
        borrowing = {
            **yaml.safe_load((place / "config/demo.yaml").read_text()),
            "name": name,
            "data": "demo",
            **changes,
        }
        (place / f"{name}.yaml").write_text(json.dumps(borrowing))
        with contextlib.suppress(SystemExit):  # Snakemake's
            commands.main([f"{name}.yaml"])
        return capsys.readouterr().err

    with lock.attempt(place / "results" / ".demo.lock") as held:
        lock.write(held, "config/demo.yaml")
        text = "another ./reproduce is running on results/demo, whose data first.yaml uses; wait for it or stop it"
        assert use("first") == f"reproduce: {text}\n"
    changes = {
        "frames": {"count": 3},
        "protocols": ["group"],
        "splits": {"seed": 5},
        "datasets": {"demo": {"partial": True}},
    }
    for key, value in changes.items():
        text = f"{key}.yaml: {key} differs from config/demo.yaml, whose data it uses; give both the same"
        assert use(key, **{key: value}) == f"reproduce: {text}\n"
    assert started == []
    assert use("same") == ""
    assert len(started) == 1
    assert lock.attempt(place / "results" / ".demo.lock") is None, "as long as it is at work"
    assert (place / "results" / ".demo.lock").read_text() == "config/demo.yaml"


def test_a_file_of_the_same_name_elsewhere_does_not_take_over_the_results(started, place, capsys):
    (place / "other").mkdir()
    (place / "results" / "demo").mkdir(parents=True)
    shutil.copy2(place / "config" / "demo.yaml", place / "other" / "demo.yaml")
    code = "import sys; from workflow.commands import pipeline; pipeline._hold_lock(sys.argv[1], 'demo')"

    def take(file):
        done = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, env=environment)
        return done.stderr.strip().rpartition("\n")[2]

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert take("config/demo.yaml") == ""
    assert take("other/demo.yaml").endswith(
        "results/demo is made from config/demo.yaml; rename other/demo.yaml and the `name` in it"
    )
    assert take("config/demo.yaml") == ""
    (place / "config" / "demo.yaml").unlink()  # it was moved
    assert take("other/demo.yaml") == ""


def test_paths_are_meant_from_where_the_user_stands(place, monkeypatch):
    monkeypatch.setattr(commands, "CALLED_FROM", str(place / "mine"))
    (place / "mine").mkdir()
    (place / "mine" / "tiny.yaml").write_text(json.dumps(TINY))
    assert commands.configuration_file("tiny.yaml") == "mine/tiny.yaml"
    (place / "mine" / "runs").mkdir()
    assert commands.main(["figures", "--from", "runs", "--output", "drawn"]) == 0
    assert (place / "mine" / "drawn" / "captions.json").is_file()
    assert commands.main(["figures", "--from", "runs"]) == 0
    assert (place / "mine" / "runs" / "figures" / "captions.json").is_file()
