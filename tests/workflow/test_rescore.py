"""`rescore` on a finished project: equal runs, changed weights, missing ones."""

import re
import subprocess
import sys
from dataclasses import replace

import pytest
from projects import TINY
from safetensors.numpy import load_file, save_file
from synthetic_records import record

from baselines import FORMATS
from workflow.commands import __main__ as commands
from workflow.commands import rescore
from workflow.experiments import configuration, grid, states
from workflow.experiments.record import Record
from workflow.storage import files, seal

LSTM, TT_LSTM = (f"demo/pixels/{name}/group/fold0/seed0" for name in ("lstm", "tt_lstm"))


@pytest.fixture
def call(finished, monkeypatch, capsys):
    """Run the command in the finished project; return its exit status, what it prints, and its errors."""
    monkeypatch.chdir(finished.root)

    def run(*words):
        code = commands.main(["tiny", "rescore", *words])
        found = capsys.readouterr()
        return code, found.out, found.err

    return run


@pytest.fixture
def folder(finished):
    """The record of the tt_lstm, whose files are put back."""
    place = finished.root / "results/tiny/runs" / TT_LSTM
    before = {path: path.read_bytes() for path in place.iterdir()}
    yield place
    for path, content in before.items():
        path.write_bytes(content)


def change(weights):
    """Add to the largest of the classifier's numbers."""
    arrays = load_file(weights)
    largest = abs(arrays["classifier.weight"]).argmax()
    arrays["classifier.weight"].flat[largest] += 1
    save_file(arrays, weights)


def test_every_run_is_equal(call):
    code, page, _ = call()
    lines = page.splitlines()
    assert (code, lines[-1]) == (0, "2 equal")
    for line, run in zip(lines, (LSTM, TT_LSTM), strict=False):
        found = re.fullmatch(rf"equal +{run}: accuracy (\S+), recorded \1, probabilities within (\S+)", line)
        assert float(found[2]) < 1e-6, "on the machine that trained it"


@pytest.mark.parametrize(
    "words", [(TT_LSTM,), (f"results/tiny/runs/{TT_LSTM}/",), ("demo/pixels/tt_lstm",), ("--model", "tt_lstm")]
)
def test_runs_are_selected_by_folder_or_option(call, words):
    code, page, _ = call(*words)
    assert (code, page.count(TT_LSTM), page.splitlines()[-1]) == (0, 1, "1 equal")


def test_several_runs_may_be_named(call):
    assert call(TT_LSTM, LSTM)[1].splitlines()[-1] == "2 equal"


def test_a_changed_number_is_a_changed_file(call, folder):
    change(folder / "model.safetensors")
    code, page, _ = call()
    assert code == 1
    assert f"unusable  {TT_LSTM}: " in page
    assert "model.safetensors is corrupt: its sha256 is" in page
    assert page.endswith("1 equal, 1 unusable\n")


def test_a_changed_number_whose_checksum_was_changed_too_gives_other_scores(call, folder):
    change(folder / "model.safetensors")
    content = files.read_json(folder / "result.json")
    seal.write(folder / "result.json", {k: v for k, v in content.items() if k != "seal"}, content["files"])
    code, page, _ = call(TT_LSTM)
    assert (code, page.splitlines()[-1]) == (1, "1 differs")


def test_an_accuracy_that_the_weights_do_not_have_differs(call, folder):
    content = files.read_json(folder / "result.json")
    better = {**content, "test_accuracy": content["test_accuracy"] + 0.0125}
    seal.write(folder / "result.json", {k: v for k, v in better.items() if k != "seal"}, content["files"])
    code, page, _ = call(TT_LSTM)
    assert (code, page.splitlines()[-1]) == (1, "1 differs")


def test_weights_of_another_model_are_one_sentence(call, folder):
    other = folder.parents[3] / "lstm/group/fold0/seed0/model.safetensors"
    (folder / "model.safetensors").write_bytes(other.read_bytes())
    content = files.read_json(folder / "result.json")
    seal.write(folder / "result.json", {k: v for k, v in content.items() if k != "seal"}, content["files"])
    code, page, _ = call(TT_LSTM)
    assert code == 1
    assert "model.safetensors: not the weights of tt_lstm as the code builds it (" in page
    assert len(page.splitlines()) == 2


HEADER = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,9]}}'
NO_WEIGHTS = {
    "empty": b"",
    "no header": b"weights",
    "a header of an exabyte": (1 << 60).to_bytes(8, "little") + b"{}",
    "tensors outside the file": len(HEADER).to_bytes(8, "little") + HEADER,
}


@pytest.mark.parametrize("kind", NO_WEIGHTS)
def test_what_are_no_weights_is_one_sentence(call, folder, kind):
    (folder / "model.safetensors").write_bytes(NO_WEIGHTS[kind])
    content = files.read_json(folder / "result.json")
    seal.write(folder / "result.json", {k: v for k, v in content.items() if k != "seal"}, content["files"])
    code, page, _ = call(TT_LSTM)
    assert code == 1
    assert "model.safetensors: not the weights of tt_lstm as the code builds it (" in page


@pytest.mark.parametrize("deleted", [True, False])
def test_a_run_without_weights_is_named_and_an_error_only_alone(call, folder, deleted):
    (folder / "model.safetensors").unlink()
    reason = f"{TT_LSTM}: its model.safetensors has been deleted; `run --force` trains it again\n"
    if not deleted:
        content = files.read_json(folder / "result.json")
        seal.write(folder / "result.json", content, content["files"].keys() - {"model.safetensors"})
        reason = f"{TT_LSTM}: its record has no model.safetensors; keep_weights decides which records keep it\n"
    code, page, _ = call()
    assert code == 0
    assert f"skipped   {reason}" in page
    assert page.endswith("1 skipped, 1 equal\n")
    assert call(TT_LSTM) == (1, "", f"reproduce: {reason}")


def test_other_clips_than_those_of_training_are_one_sentence(call, folder):
    content = files.read_json(folder / "result.json")
    seal.write(folder / "result.json", {**content, "data_digest": "another"}, content["files"])
    reason = f"{TT_LSTM}: outdated, its data have changed\n"
    assert call(TT_LSTM) == (1, "", f"reproduce: {reason}")
    code, page, _ = call()
    assert code == 1
    assert f"unusable  {reason}" in page
    assert page.endswith("1 unusable, 1 equal\n")


def test_a_reader_that_leaves_ends_it_quietly(finished):
    command = [sys.executable, "-m", "workflow.commands", "tiny", "rescore"]
    process = subprocess.Popen(command, cwd=finished.root, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait() != 0
    assert [line for line in error.splitlines() if not line.startswith("device auto: ")] == []


def test_a_format_of_ones_own_that_cannot_be_restored_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(FORMATS, "chance", replace(FORMATS["chance"], restore=None))
    (run,) = grid.runs(configuration.complete({**TINY, "models": {"chance": {"format": "chance"}}}))
    done = states.State(states.DONE, record=Record.parse(record("chance")))
    reason = "chance is fitted in one call, and its file does not define restore(arrays)"
    assert rescore.obstacle(run, done, tmp_path) == reason
