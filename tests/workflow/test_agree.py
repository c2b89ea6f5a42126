"""`agree` on folders of synthetic records: what is the same, equivalent, different, and what only one side has."""

import hashlib
import random
import shutil

import numpy as np
import pytest
import yaml
from scipy import stats
from synthetic_records import record, write_grid, write_run

from workflow.commands import __main__ as commands
from workflow.commands import agree
from workflow.experiments.run import IDENTITY
from workflow.reporting.results import gather

MODELS = ("lstm", "ht_lstm", "fdht_lstm")


def write(root, accuracy, folds=4, seeds=(0, 1), model="lstm", **other):
    """Runs of one experiment; accuracy(fold, seed) is their test accuracy."""
    for fold in range(folds):
        for seed in seeds:
            run = record(model, "group", fold, seed, test_accuracy=accuracy(fold, seed), clips={"test": 100}, **other)
            write_run(root, run, extras=False)
    return root


def noise(fold, seed):
    return random.Random(f"{fold}/{seed}").gauss(0, 0.005)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return write_grid(tmp_path_factory.mktemp("original"), MODELS)


@pytest.fixture
def copy(tmp_path):
    return write_grid(tmp_path / "copy", MODELS)


@pytest.fixture
def call(capsys):
    """Run the command; return its exit status and what it prints."""

    def run(*words):
        code = commands.main(["agree", *map(str, words)])
        found = capsys.readouterr()
        assert all(len(line) <= 120 for line in found.out.splitlines())
        return code, found.out, found.err

    return run


def verdicts(one, two, margin=0.03):
    return [row["verdict"] for row in agree.compare(gather(one), gather(two), margin)]


def test_a_folder_agrees_with_itself(original, call):
    code, page, _ = call(original, original)
    assert code == 0
    assert page.count("same bytes") == len(MODELS) * 2 + 1
    assert page.endswith("The records agree on all that both have.\n")


def test_where_the_names_of_clips_are_hashed_scores_are_compared(original, copy, call):
    for path in copy.rglob("predictions.csv"):
        head, *lines = path.read_text().splitlines()
        hashed = [f"{hashlib.sha256(line.encode()).hexdigest()},{line.partition(',')[2]}" for line in lines]
        path.write_text("\n".join([head, *hashed]))
    assert set(verdicts(original, copy)) == {"same scores"}
    for path in copy.rglob("predictions.csv"):
        path.unlink()
    assert set(verdicts(original, copy)) == {"same scores"}
    assert call(original, copy)[0] == 0


def test_a_changed_score_is_not_the_same(original, copy):
    write_run(copy, record("lstm", "group", 0, 0, test_macro_f1=0.1), extras=False)
    (copy / "runs/demo/pixels/lstm/group/fold0/seed0/predictions.csv").unlink()
    assert verdicts(original, copy).count("same bytes") == len(MODELS) * 2 - 1


def test_other_seeds_are_equivalent_if_a_test_shows_it(tmp_path, call):
    one = write(tmp_path / "one", lambda *run: 0.8 + noise(*run), seeds=(0, 1, 2))
    two = write(tmp_path / "two", lambda *run: 0.8 + noise(*run), seeds=(3, 4, 5))
    code, page, _ = call(one, two)
    assert (code, verdicts(one, two)) == (0, ["equivalent"])
    assert "runs that only A has: 12" in page
    assert " 12/12 " in page
    assert page.count("fold") == 10, "five runs of each side are named"
    assert verdicts(one, two, margin=0.001) == ["inconclusive"]
    assert call(one, two, "--margin", "0.001")[0] == 1


def test_what_differs_is_named_and_the_status_is_1(tmp_path, call):
    one = write(tmp_path / "one", lambda *run: 0.8 + noise(*run))
    two = write(tmp_path / "two", lambda fold, seed: 0.7 + noise(fold, seed + 2))
    code, page, _ = call(one, two)
    assert (code, verdicts(one, two)) == (1, ["differs"])
    assert "experiments that both have: 1: 1 differs; margin of equivalence 3.0 points" in page
    assert not page.endswith("The records agree on all that both have.\n")


def test_one_fold_shows_nothing(tmp_path, call):
    one = write(tmp_path / "one", lambda *run: 0.8 + noise(*run), folds=1)
    two = write(tmp_path / "two", lambda fold, seed: 0.8 + noise(fold, seed + 2), folds=1)
    assert (call(one, two)[0], verdicts(one, two)) == (1, ["inconclusive"])


def test_without_a_common_fold_nothing_is_shown(tmp_path, call):
    one = write(tmp_path / "one", lambda *run: 0.8 + noise(*run))
    two = write(tmp_path / "two", lambda *run: 0.8 + noise(*run))
    for fold, side in ((0, one), (1, one), (2, two), (3, two)):
        shutil.rmtree(side / f"runs/demo/pixels/lstm/group/fold{fold}")
    assert (call(one, two)[0], verdicts(one, two)) == (1, ["inconclusive"])


def test_the_tests_are_those_of_scipy_on_fold_means(tmp_path):
    a, b = np.random.default_rng(0).normal(0.8, 0.02, (2, 4, 2))
    one = write(tmp_path / "one", lambda fold, seed: a[fold, seed])
    two = write(tmp_path / "two", lambda fold, seed: b[fold, seed], seeds=(0, 1))
    (row,) = agree.compare(gather(one), gather(two), 0.03)
    folds = a.mean(1) - b.mean(1)
    expected = stats.ttest_1samp(folds, 0)
    assert row["found"].p == pytest.approx(expected.pvalue)
    assert row["found"][1:3] == pytest.approx(tuple(expected.confidence_interval(0.95)))
    least = max(
        stats.ttest_1samp(folds, 0.03, alternative="less").pvalue,
        stats.ttest_1samp(folds, -0.03, alternative="greater").pvalue,
    )
    assert agree.equivalence(row["found"], 0.03) == pytest.approx(least)


def test_differences_are_corrected_for_the_number_of_experiments(tmp_path):
    """One of p = 0.03 among three tested ones is no difference."""
    folds = np.array([0.01, 0.04, 0.05, 0.07])
    one, two = tmp_path / "one", tmp_path / "two"
    assert 0.02 < stats.ttest_1samp(folds, 0).pvalue < 0.05
    for number in range(3):
        shift = folds if number == 0 else np.array([-0.05, 0.05, -0.04, 0.04])
        write(one, lambda fold, seed, shift=shift: 0.5 + shift[fold], model=f"lstm_{number}")
        write(two, lambda fold, seed: 0.5, model=f"lstm_{number}")
        if number == 0:
            assert verdicts(one, two) == ["differs"]
    assert verdicts(one, two) == ["inconclusive"] * 3


def test_accuracies_are_means_over_the_folds_that_both_have(tmp_path):
    one = write(tmp_path / "one", lambda fold, seed: 0.5 + 0.1 * fold)
    two = write(tmp_path / "two", lambda fold, seed: 0.6 + 0.1 * fold, folds=2)
    (row,) = agree.compare(gather(one), gather(two), 0.03)
    assert (row["A"], row["B"], row["found"].mean) == pytest.approx((0.55, 0.65, -0.1))


def test_what_only_one_side_has_is_listed_and_no_disagreement(original, tmp_path, call):
    part = write_grid(tmp_path / "part", MODELS[:2])
    for fold in (0, 1):
        (part / f"runs/demo/pixels/lstm/random/fold{fold}/seed1/result.json").unlink()
    for words, side in (((original, part), "A"), ((part, original), "B")):
        code, page, _ = call(*words)
        assert code == 0
        assert f"experiments that only {side} has: 2\n  demo/pixels/fdht_lstm/group\n" in page
        assert f"runs that only {side} has: 2\n  demo/pixels/lstm/random/fold0/seed1\n" in page
        assert "experiments that both have: 4: " in page


def test_failed_and_damaged_records_count_as_absent(original, copy, call):
    failed = record("lstm", "group", 0, 0, status="failed", failure="the loss became NaN")
    write_run(copy, failed, extras=False)
    code, page, error = call(original, copy)
    assert code == 0
    assert "runs that only A has: 1\n  demo/pixels/lstm/group/fold0/seed0\n" in page
    assert error == f"agree: {copy}: runs/demo/pixels/lstm/group/fold0/seed0/result.json: failed: the loss became NaN\n"


def test_other_clips_splits_and_settings_are_named(tmp_path, call):
    settings = {"epochs": 20, "learning_rate": 0.01}
    for side, digests, rate in (("one", ("x", "y"), 0.01), ("two", ("z", "y"), 0.02)):
        for model, changes in (("lstm", True), ("tt_lstm", False)):
            data, split = digests if changes else ("x", "y")
            run = record(model, "group", data_digest=data, split_digest=split)
            folder = write_run(tmp_path / side, run)
            plain = {name: run[name] for name in IDENTITY} | {"family": "lstm", "recipe": "ours"}
            plain["recurrent"] = {"format": "dense", "hidden_size": 8, "input_size": 4}
            plain["training"] = settings | ({"learning_rate": rate} if changes else {})
            (folder / "specification.yaml").write_text(yaml.safe_dump(plain))
    code, page, _ = call(tmp_path / "one", tmp_path / "two")
    for word in ("clips", "settings"):
        assert f"experiments whose {word} are not the same: 1\n  demo/pixels/lstm/group\n" in page
    assert "whose splits" not in page
    assert code == 0, "the predictions are the same"


def test_long_names_fit_the_screen(tmp_path, call):
    name = "fully_decomposed_train_authors_deeper"
    data = {"dataset": "youtube_celebrities", "front_end": "efficientnet_lite2"}
    for side, accuracy in (("one", 0.0), ("two", 1.0)):
        for fold in range(2):
            run = record(name, "siblings_100", fold, test_accuracy=accuracy, clips={"test": 9}, **data)
            write_run(tmp_path / side, run, extras=False)
    assert call(tmp_path / "one", tmp_path / "two")[0] == 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("absent", "no such folder; expected one with result.json files below it"),
        ("empty", "no record of a finished run in this folder or below it"),
        ("other", "have no experiment in common; expected the same data sets, models and protocols"),
    ],
)
def test_an_unusable_folder_is_one_sentence(original, tmp_path, call, name, reason):
    (tmp_path / "empty").mkdir()
    write(tmp_path / "other", lambda *run: 0.5, model="chance")
    code, page, error = call(original, tmp_path / name)
    assert (code, page) == (1, "")
    assert error.startswith("reproduce: ")
    assert error.endswith(f"{reason}\n")
    assert str(tmp_path / name) in error
