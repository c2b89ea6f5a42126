"""An experiment: its runs are trained once each, in one process, and experiment.json lists what is there."""

import json
import os
import shutil
import signal
import subprocess
import sys
from importlib import metadata

import pytest
from training import one_run
from training.conftest import specification, write
from training.test_resume import SETTINGS, outcome

from workflow.experiments import experiment, sources
from workflow.experiments.record import KEPT
from workflow.experiments.run import read
from workflow.storage import files, seal
from workflow.storage.command_line import command_line
from workflow.storage.lock import exclusive
from workflow.training import experiment as step
from workflow.training import loop, record, run

PLACE = "demo/pixels/dense/group"


@pytest.fixture
def folds(tmp_path):
    """A data set with two folds: the parts of the second are those of other groups."""
    folder = write(tmp_path / "data")
    other = write(tmp_path / "other", part_of=lambda label, g: {1: "test", 2: "validation"}.get(g, "train"))
    lines = (other / "splits.csv").read_text().replace("group,0,", "group,1,").splitlines(keepends=True)
    with (folder / "splits.csv").open("a") as file:
        file.writelines(lines[1:])
    digests = [json.loads((place / "splits.json").read_text())["digests"]["group/0"] for place in (folder, other)]
    seal.write(folder / "splits.json", {"digests": {"group/0": digests[0], "group/1": digests[1]}})
    return folder


def start(plain, data, results, folds=(0, 1), seeds=(0,), options=()):
    """Train; the exit status."""
    words = ["--specification", json.dumps(plain), "--data", data, "--results", results, "--checkpoint-seconds", "0"]
    points = [word for name, values in (("fold", folds), ("seed", seeds)) for n in values for word in (f"--{name}", n)]
    try:
        command_line(step.main, [*words, *points, *options])
    except SystemExit as end:
        return end.code or 0


def listed(results):
    return sorted(json.loads((results / "runs" / PLACE / "experiment.json").read_text())["files"])


def results_of(results):
    places = sorted((results / "runs" / PLACE).glob("fold*/seed*"))
    return {place.relative_to(results / "runs" / PLACE).as_posix(): outcome(place) for place in places}


PLAIN = specification("dense", **SETTINGS)


def test_every_run_has_the_bytes_that_it_has_alone(folds, tmp_path):
    assert start(PLAIN, folds, tmp_path / "together", seeds=(0, 1)) == 0
    together = results_of(tmp_path / "together")
    assert sorted(together) == ["fold0/seed0", "fold0/seed1", "fold1/seed0", "fold1/seed1"]
    for fold in (0, 1):
        for seed in (0, 1):
            alone = tmp_path / f"alone{fold}{seed}"
            assert start(PLAIN, folds, alone, [fold], [seed]) == 0
            assert results_of(alone) == {f"fold{fold}/seed{seed}": together[f"fold{fold}/seed{seed}"]}
            one_run.start({**PLAIN, "fold": fold, "seed": seed}, folds, tmp_path / f"one{fold}{seed}", "0")
            assert outcome(tmp_path / f"one{fold}{seed}/run") == together[f"fold{fold}/seed{seed}"]


def test_experiment_json_vouches_for_the_records_and_names_what_they_were_made_from(folds, tmp_path):
    assert start(PLAIN, folds, tmp_path) == 0
    folder = tmp_path / "runs" / PLACE
    content = json.loads((folder / "experiment.json").read_text())
    results = [json.loads((folder / f"fold{fold}/seed0/result.json").read_text()) for fold in (0, 1)]
    assert seal.damages(folder / "experiment.json") == []
    assert content["files"] == {
        f"fold{fold}/seed0/result.json": seal.digest(folder / f"fold{fold}/seed0/result.json") for fold in (0, 1)
    }
    assert content["split_digests"] == {f"group/{fold}": results[fold]["split_digest"] for fold in (0, 1)}
    code = files.digest([sources.digest("workflow.training.run", "baselines.dense"), metadata.version("torch")])
    for result in results:
        assert {key: content[key] for key in ("data_digest", "code_digest")} == {
            key: result[key] for key in ("data_digest", "code_digest")
        }
        assert content["code_digest"] == code
    assert [content[key] for key in ("dataset", "front_end", "model", "protocol")] == PLACE.split("/")


def test_a_run_that_is_there_is_not_trained_again(folds, tmp_path, monkeypatch):
    assert start(PLAIN, folds, tmp_path, folds=[1]) == 0
    assert listed(tmp_path) == ["fold1/seed0/result.json"]
    before, trained = (tmp_path / "runs" / PLACE / "fold1/seed0/result.json").stat(), watch(monkeypatch)
    assert start(PLAIN, folds, tmp_path, seeds=(0, 1)) == 0
    assert trained == ["fold0/seed0", "fold0/seed1", "fold1/seed1"]
    assert len(listed(tmp_path)) == 4
    assert (tmp_path / "runs" / PLACE / "fold1/seed0/result.json").stat() == before
    assert start(PLAIN, folds, tmp_path, folds=[1], seeds=[1]) == 0
    assert len(trained) == 3
    assert len(listed(tmp_path)) == 4, "a part of the grid does not forget the rest"


@pytest.mark.parametrize("name", ["result.json", "predictions.csv", "metrics.jsonl", "specification.yaml"])
@pytest.mark.parametrize("how", ["deleted", "damaged"])
def test_a_record_that_is_deleted_or_damaged_is_made_again_alone(folds, tmp_path, monkeypatch, name, how):
    assert start(PLAIN, folds, tmp_path) == 0
    before = results_of(tmp_path)
    path = tmp_path / "runs" / PLACE / "fold0/seed0" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink() if how == "deleted" else path.write_bytes(content)
    assert noticed(folds, tmp_path)
    trained = watch(monkeypatch)
    assert start(PLAIN, folds, tmp_path) == 0
    assert trained == ["fold0/seed0"]
    assert results_of(tmp_path) == before
    assert not noticed(folds, tmp_path)


def test_a_record_whose_seal_was_cut_off_is_made_again(folds, tmp_path):
    assert start(PLAIN, folds, tmp_path, folds=[0]) == 0
    before, path = results_of(tmp_path), tmp_path / "runs" / PLACE / "fold0/seed0/result.json"
    path.write_text(path.read_text().replace('"seal":', '"failure":'))
    assert start(PLAIN, folds, tmp_path, folds=[0]) == 0
    assert results_of(tmp_path) == before


@pytest.mark.parametrize(
    ("keep", "limit", "kept"), [("all", 0, True), ("small", 10**4, True), ("small", 10, False), ("none", 10**4, False)]
)
def test_weights_are_kept_on_request(folds, tmp_path, monkeypatch, keep, limit, kept):
    monkeypatch.setitem(KEPT, "small", limit)
    assert start(PLAIN, folds, tmp_path, folds=[0]) == 0  # leaves weights
    place = tmp_path / "runs" / PLACE / "fold0/seed0"
    (place / "predictions.csv").unlink()
    assert start(PLAIN, folds, tmp_path, folds=[0], options=("--keep-weights", keep)) == 0
    assert (place / "model.safetensors").exists() is kept
    assert ("model.safetensors" in json.loads((place / "result.json").read_text())["files"]) is kept
    assert seal.damages(place / "result.json") == []
    assert not noticed(folds, tmp_path, folds=[0])


def noticed(data, results, plain=PLAIN, folds=(0, 1), seeds=(0,)):
    """Why the experiment is outdated, as a start of the pipeline finds it."""
    runs = read(json.dumps(plain), list(folds), list(seeds))
    now = experiment.origin(runs[0], data)
    codes = experiment.accepted(now["code_digest"], results)
    return experiment.outdated(results / "runs" / PLACE, runs, now, codes)


def test_a_start_notices_what_is_missing_or_has_changed_and_nothing_else(folds, tmp_path, monkeypatch):
    assert noticed(folds, tmp_path) == "experiment.json is missing"
    assert start(PLAIN, folds, tmp_path) == 0
    assert noticed(folds, tmp_path) == noticed(folds, tmp_path, folds=[1]) == ""
    assert noticed(folds, tmp_path, seeds=(0, 1)) == "fold0/seed1 is not trained"
    changed = {**PLAIN, "training": {**PLAIN["training"], "learning_rate": 0.02}}
    assert noticed(folds, tmp_path, changed) == "specification changed"
    for path in [folds / "frames.json", *(tmp_path / "runs").rglob("*.json")]:
        os.utime(path)
    shutil.copytree(folds, tmp_path / "copy")
    assert noticed(tmp_path / "copy", tmp_path) == ""
    (tmp_path / "runs" / PLACE / "fold0/seed0/model.safetensors").unlink()
    assert noticed(folds, tmp_path) == "", "weights may be deleted to save space"
    other = json.loads((folds / "frames.json").read_text()) | {"digest": "0"}
    (tmp_path / "copy/frames.json").write_text(json.dumps(other))
    assert noticed(tmp_path / "copy", tmp_path) == "data digest changed"
    monkeypatch.setattr(experiment, "code", lambda run: "new")
    assert noticed(folds, tmp_path) == "code digest changed"
    old = json.loads((tmp_path / "runs" / PLACE / "experiment.json").read_text())["code_digest"]
    (tmp_path / "harmless.json").write_text(json.dumps({"new": [old]}))
    assert noticed(folds, tmp_path) == ""
    trained = watch(monkeypatch)
    assert start(PLAIN, folds, tmp_path) == 0
    assert trained == []


def test_code_or_specification_of_another_kind_trains_again(folds, tmp_path, monkeypatch):
    assert start(PLAIN, folds, tmp_path) == 0
    trained = watch(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(experiment, "code", lambda run: "new")
        assert start(PLAIN, folds, tmp_path, folds=[0]) == 0
    assert trained == ["fold0/seed0"]
    assert listed(tmp_path) == ["fold0/seed0/result.json"], "the other record was made by other code"
    changed = {**PLAIN, "training": {**PLAIN["training"], "learning_rate": 0.02}}
    assert start(changed, folds, tmp_path) == 0
    assert trained == ["fold0/seed0", "fold0/seed0", "fold1/seed0"]


def watch(monkeypatch):
    """The places of the runs that are trained from now on."""
    trained, original = [], run.complete
    monkeypatch.setattr(run, "complete", lambda job: (trained.append(job.run.place), original(job))[1])
    return trained


def test_a_run_that_fails_is_recorded_and_the_others_go_on(folds, tmp_path, monkeypatch):
    original = loop.train

    def failing(job):
        if job.run.fold == 0:
            raise loop.RunFailure("the loss is not finite")
        yield from original(job)

    monkeypatch.setattr(loop, "train", failing)
    assert start(PLAIN, folds, tmp_path) == 0
    results = [json.loads(path.read_text()) for path in sorted(tmp_path.rglob("result.json"))]
    assert [result["status"] for result in results] == ["failed", "ok"]
    assert len(listed(tmp_path)) == 2
    assert not noticed(folds, tmp_path)
    trained = watch(monkeypatch)
    assert start(PLAIN, folds, tmp_path) == 0
    assert trained == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_a_signal_between_two_runs_leaves_the_rest_to_the_next_start(folds, tmp_path, monkeypatch, number):
    original = record.write

    def interrupted(*arguments):
        original(*arguments)
        signal.raise_signal(number)

    with monkeypatch.context() as patch:
        patch.setattr(record, "write", interrupted)
        assert start(PLAIN, folds, tmp_path) == 128 + number
    assert sorted(results_of(tmp_path)) == ["fold0/seed0"]
    assert not (tmp_path / "runs" / PLACE / "experiment.json").exists()
    trained = watch(monkeypatch)
    assert start(PLAIN, folds, tmp_path) == 0
    assert trained == ["fold1/seed0"]


def test_fitted_baselines_import_no_torch(folds, tmp_path, root):
    plain = json.dumps(specification("nearest_neighbour"))
    code = (
        "import atexit, sys\n"
        "from workflow.training import experiment; from workflow.storage.command_line import command_line\n"
        "atexit.register(lambda: print('torch' in sys.modules))\n"
        "command_line(experiment.main)"
    )
    words = ["--specification", plain, "--fold", "0", "--fold", "1", "--seed", "0", "--data", folds]
    command = [sys.executable, "-c", code, *words, "--results", tmp_path]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr
    assert len(list(tmp_path.rglob("result.json"))) == 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda plain, words: words.update(folds=(0, 7)), "no fold 7 of protocol 'group'"),
        (lambda plain, words: plain.update(colour=1), "--specification: unknown key 'colour'; known: dataset"),
        (lambda plain, words: plain["recurrent"].update(ranks=3), "unknown parameter 'ranks' of format 'dense'"),
        (lambda plain, words: words.update(seeds=(-1,)), "seed: -1 should be greater than or equal to 0"),
    ],
)
def test_invalid_input_is_one_sentence_before_any_work(folds, tmp_path, capsys, change, sentence):
    plain, words = json.loads(json.dumps(PLAIN)), {}
    change(plain, words)
    assert start(plain, folds, tmp_path / "results", **words) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert sentence in error
    assert not (tmp_path / "results").exists()


def test_a_specification_that_cannot_be_read_is_named(tmp_path, capsys):
    for name, text, sentence in [
        ("no.yaml", None, "no.yaml: cannot be read: No such file"),
        ("bad.yaml", "[", "bad.yaml: neither JSON nor YAML"),
        ("list.yaml", "[1]", "list.yaml: holds a list; expected keys and values"),
    ]:
        if text:
            (tmp_path / name).write_text(text)
        words = ["--specification", tmp_path / name, "--fold", "0", "--seed", "0", "--data", "x", "--results", "y"]
        with pytest.raises(SystemExit):
            command_line(step.main, words)
        assert sentence in capsys.readouterr().err


def test_a_second_process_waits_for_a_run_and_takes_its_record(folds, tmp_path, root):
    words = ["--specification", json.dumps(PLAIN), "--fold", "0", "--seed", "0", "--data", folds]
    command = [sys.executable, "-m", "workflow.training.experiment", *words, "--results", tmp_path / "results"]
    assert start(PLAIN, folds, tmp_path / "first", folds=[0]) == 0
    with exclusive(tmp_path / "results/checkpoints" / PLACE / "fold0/seed0"):
        second = subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True)
        assert second.stderr.readline() == f"{PLACE}: 0 of 1 runs are done\n"
        assert second.stderr.readline().startswith(f"Waiting for process {os.getpid()} on ")
        shutil.copytree(tmp_path / "first/runs", tmp_path / "results/runs")
    rest = second.communicate(timeout=600)[1]
    assert (second.returncode, rest) == (0, "")
    assert results_of(tmp_path / "results") == results_of(tmp_path / "first")
