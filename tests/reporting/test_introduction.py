"""The report's introduction: its numbers are those of the records, and nothing is ranked that tests do not show."""

import json
import statistics

import pytest
from scipy import stats
from synthetic_records import record, write_leakage, write_run

from workflow.reporting.report import introduction
from workflow.reporting.results import gather

CLIPS = 48  # tested per fold, as write_leakage has it


def write_accuracies(root, accuracies, protocol="group"):
    """Write runs of models with the given accuracies of folds; equal seeds would add nothing."""
    for model, folds in accuracies.items():
        for fold, accuracy in enumerate(folds):
            measures = dict.fromkeys(("test_accuracy", "final_epoch_accuracy", "best_epoch_accuracy"), accuracy)
            write_run(root, record(model, protocol, fold, **measures))
    return root


def test_headline_has_mean_interval_runs_and_weights_of_the_records(tmp_path):
    accuracies = [0.60, 0.64, 0.68]
    write_accuracies(tmp_path, {"fdht_lstm": accuracies, "lstm": [0.2, 0.25, 0.3]})
    write_leakage(tmp_path, folds=3)
    [row] = introduction.headlines(gather(tmp_path))
    error = statistics.stdev(accuracies) * (1 / 3 + CLIPS / 160) ** 0.5  # Nadeau and Bengio
    half = stats.t.ppf(0.975, 2) * error
    low, high = (max(0, 100 * (0.64 + sign * half)) for sign in (-1, 1))
    assert len(row) == len(introduction.HEADINGS)
    assert row[:2] == ["demo (generated)\npixels", "group\nepoch chosen on validation"]
    assert row[2] == f"64.0 [{low:.1f}, {min(100, high):.1f}]\nn = 3; 3\u202f648 weights"
    assert row[3].endswith("n = 3; 59\u202f244\u202f544 weights")
    assert row[5] == "—"


@pytest.mark.parametrize(
    ("lstm", "words"),
    [
        ([0.30, 0.30, 0.31, 0.30, 0.29], "better than LSTM"),
        ([0.90, 0.90, 0.91, 0.90, 0.89], "worse than LSTM"),
        ([0.58, 0.63, 0.60, 0.57, 0.63], "not shown to differ from LSTM"),
    ],
)
def test_only_what_a_test_shows_is_ranked(tmp_path, lstm, words):
    write_accuracies(tmp_path, {"fdht_lstm": [0.60, 0.61, 0.60, 0.59, 0.60], "lstm": lstm})
    write_leakage(tmp_path, folds=5)
    assert introduction.headlines(gather(tmp_path))[0][4] == words


def test_a_verdict_on_all_other_models_counts_them(results):
    assert introduction.headlines(results)[0][4] == "better than each of the 9 other models"


def test_one_fold_has_no_interval_and_no_test(few):
    [row] = introduction.headlines(gather(few))
    runs = [json.loads(path.read_text()) for path in few.glob("runs/demo/pixels/fdht_lstm/group/fold0/*/result.json")]
    mean = statistics.mean(100 * run["test_accuracy"] for run in runs)
    assert row[2] == f"{mean:.1f}\nn = 2; 3\u202f648 weights"
    assert row[3] == "—"
    assert row[4] == "not tested: one fold or model"


def test_runs_that_are_missing_are_counted(damaged):
    [row] = introduction.headlines(gather(damaged))
    assert "\nn = 4; " in row[2]
    assert "\nn = 3 of 4; " in row[3]


def test_what_random_adds_is_the_difference_of_both_protocols(results):
    [row] = introduction.headlines(results)
    means = results.successful("demo", "pixels", "fdht_lstm").groupby("protocol")["test_accuracy"].mean()
    assert row[5].startswith(f"+{100 * (means['random'] - means['group']):.1f}\n[+")


def test_without_fdht_lstm_there_is_no_headline_and_runs_of_random_alone_have_one(tmp_path):
    write_accuracies(tmp_path, {"lstm": [0.5, 0.6]}, "random")
    assert introduction.headlines(gather(tmp_path)) == []
    write_accuracies(tmp_path, {"fdht_lstm": [0.5, 0.6]}, "random")
    [row] = introduction.headlines(gather(tmp_path))
    assert row[1].startswith("random\n")


def test_protocols_are_explained_with_the_share_of_siblings(results, tmp_path):
    group, random = introduction.protocols(results)
    assert group.startswith("Protocol group: no source on both sides; test clips with a clip of the same class and")
    assert group.endswith("in training: 0.0 %.")
    assert random.startswith("Protocol random: clips split at random")
    assert random.endswith("in training: 100.0 %.")
    for protocol in ("siblings_0", "siblings_100"):
        write_run(tmp_path, record("fdht_lstm", protocol))
    [line] = introduction.protocols(gather(tmp_path))
    assert line.startswith("Protocols siblings 0 %, siblings 100 %: share of the test clips")


def test_verdicts_and_partial_data_are_named(tmp_path):
    write_accuracies(tmp_path, {"lstm": [0.5, 0.6]}, "random")
    assert introduction.remarks(gather(tmp_path)) == []
    for fold in range(2):
        write_run(tmp_path, record("tt_lstm", "random", fold, dataset="ucf11"))
    [line] = introduction.remarks(gather(tmp_path))
    assert "comparisons with reported accuracies (protocol random): " in line
