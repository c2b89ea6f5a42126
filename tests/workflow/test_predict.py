"""`predict` on a finished project: the predictions of a record again, and one sentence for every mistake."""

import re

import numpy as np
import pytest
from small_data import listing_of, pictures

from workflow import commands as package
from workflow.commands import __main__ as commands
from workflow.commands import predict
from workflow.datasets import features, frames
from workflow.datasets.generate import write_clip
from workflow.storage.files import read_csv, read_json

RUN = "demo/pixels/tt_lstm/group/fold0/seed0"


@pytest.fixture
def call(finished, monkeypatch, capsys):
    """Run the command in the finished project; return its exit status, what it prints, and its errors."""
    monkeypatch.chdir(finished.root)

    def run(*words):
        code = commands.main(["tiny", "predict", *map(str, words)])
        found = capsys.readouterr()
        return code, found.out, found.err

    return run


def test_clips_of_the_test_part_are_predicted_as_in_the_record(finished, call):
    folder = finished.root / "results/tiny/runs" / RUN
    listed = read_csv(finished.root / "results/tiny/data/demo/listing.csv", ("clip", "path"))
    paths = {line["clip"]: line["path"] for line in listed}
    classes = read_json(folder / "result.json")["classes"]
    lines = read_csv(folder / "predictions.csv", ("clip", "predicted", "probability"))
    code, page, _ = call(RUN, *(paths[line["clip"]] for line in lines), "--top", 1)
    found = re.findall(r"(.+):\n +(\S+)%  (.+)\n", page)
    assert code == 0
    assert len(found) == len(lines) == 80
    for line, (path, percent, name) in zip(lines, found, strict=True):
        assert (path, name) == (paths[line["clip"]], classes[int(line["predicted"])])
        assert percent == f"{100 * float(line['probability']):.1f}"


def test_five_classes_of_a_clip_of_ones_own_the_likeliest_first(call, tmp_path, monkeypatch):
    write_clip(tmp_path / "mine.avi", pictures(9, 64, 48))
    monkeypatch.setattr(package, "CALLED_FROM", str(tmp_path))
    code, page, _ = call(RUN, "mine.avi")
    first, *lines = page.splitlines()
    shares = [float(line.partition("%")[0]) for line in lines]
    assert (code, first, len(lines)) == (0, "mine.avi:", 5)
    assert shares == sorted(shares, reverse=True)
    assert len(call(RUN, "mine.avi", "--top", 100)[1].splitlines()) == 1 + 8, "the demo has eight classes"


def test_a_clip_that_does_not_fit_in_memory_is_one_sentence(call, tmp_path, monkeypatch):
    write_clip(tmp_path / "mine.avi", pictures(9, 64, 48))

    def full(*_):
        raise MemoryError

    monkeypatch.setattr("workflow.training.step.Step.score", full)
    code, page, error = call(RUN, tmp_path / "mine.avi")
    assert (code, page) == (1, "")
    assert error.splitlines()[-1].startswith("reproduce: out of memory when scoring a single clip")


@pytest.mark.parametrize("sampling", ["linspace", "random", "all"])
@pytest.mark.parametrize("front_end", ["pixels", "efficientnet_lite2"])
def test_a_front_end_sees_a_clip_as_in_training(tmp_path, front_end, sampling):
    clips = {f"biking/v_biking_01/v_biking_01_{n:02d}.avi": n for n in (3, 7)}
    for name, n in clips.items():
        (tmp_path / "clips" / name).parent.mkdir(parents=True, exist_ok=True)
        write_clip(tmp_path / "clips" / name, pictures(n, 40, 30, seed=n))
    listing = listing_of(tmp_path / "clips", {}, tmp_path)
    frames.main(listing, tmp_path, 4, sampling, 16, 12, seed=5)
    if front_end == "efficientnet_lite2":
        features.main(front_end, listing, tmp_path, tmp_path)
    stored = np.load(tmp_path / ("frames.npy" if front_end == "pixels" else f"{front_end}.npy"))
    found = predict.seen([tmp_path / "clips" / name for name in clips], front_end, tmp_path)
    assert found.clips.dtype == stored.dtype
    np.testing.assert_allclose(found.clips.astype(float), stored.astype(float), rtol=2e-3, atol=1e-3)
    assert (found.lengths is None) == (sampling != "all")
    assert found.lengths is None or found.lengths.tolist() == [3, 4]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((RUN, "absent.avi"), "absent.avi: no such file; expected a video"),
        ((f"results/tiny-1/runs/{RUN}", "README.md"), f"results/tiny-1/runs/{RUN}: belongs to results/tiny-1, not "),
        ((RUN, "README.md", "--set", "training.epochs=2"), f"{RUN}: missing"),
        ((RUN, "README.md"), "README.md: no video that FFmpeg can open; expected a video"),
        (("demo/pixels", "README.md"), "demo/pixels: 2 runs lie below it; expected one, such as demo/pixels/lstm/"),
        (("demo/lstm", "README.md"), "front_end: no run has 'lstm'; known: pixels"),
        ((RUN,), "Missing argument 'CLIP'"),
        ((RUN, "README.md", "--top", 0), "Invalid value for '--top': Input should be greater than or equal to 1"),
    ],
)
def test_a_mistake_is_one_sentence(call, words, reason):
    code, page, error = call(*words)
    assert (code in (1, 2), page) == (True, "")
    assert error.startswith(f"reproduce: {reason}")
    assert error.count("\n") == 1


def test_a_run_without_weights_is_one_sentence(finished, call):
    weights = finished.root / "results/tiny/runs" / RUN / "model.safetensors"
    hidden = weights.rename(weights.with_suffix(".hidden"))
    try:
        code, _, error = call(RUN, "README.md")
    finally:
        hidden.rename(weights)
    assert code == 1
    assert error == f"reproduce: {RUN}: its model.safetensors has been deleted; `run --force` trains it again\n"
