"""A small simulation: tests keep their level, a true match is found, and what is not corrected is seen to fail."""

import pandas as pd
import pytest

from benchmarks import calibration
from workflow.storage.command_line import call


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    output = tmp_path_factory.mktemp("calibration") / "calibration.csv"
    call(calibration.main, ["--n", "4000", "--output", output])
    return pd.read_csv(output)


def test_intervals_tests_and_verdicts_keep_their_level_for_every_fold_share(table):
    assert set(table["design"]) == {"2x3", "3x5", "4x5", "5x5"}
    assert set(table["fold_share"]) == {0, 0.5, 1}
    assert set(table["what"]) == {"single, 0.87", "single, 0.98", "pair", "protocol", "reported"}
    assert table["type_one"].max() <= 0.06
    assert table["type_one"].groupby(table["design"]).max().min() > 0.03  # and not because nothing is ever found


def test_without_the_correction_correlated_folds_would_be_taken_for_independent(table):
    plain = table[(table["what"] == "single, 0.87") & (table["design"] == "5x5")].set_index("correlation")
    assert plain.loc[0.0, "uncorrected"].max() < 0.06
    assert plain.loc[0.2, "uncorrected"].min() > 0.1


def test_the_same_truth_is_called_a_match(table):
    five = table[(table["what"] == "reported") & (table["design"] == "5x5")]
    assert five["p_match"].min() >= 0.8


def test_the_same_seed_gives_the_same_table(table, tmp_path):
    call(calibration.main, ["--n", "4000", "--output", tmp_path / "again.csv"])
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "again.csv"), table)
