"""paper/reported.csv holds what may be stated, and a reader can fill in the rest."""

import csv

import pandas as pd
import pytest
from synthetic_records import record, write_run

from workflow.commands import tables
from workflow.reporting import reported
from workflow.reporting.results import gather
from workflow.reporting.tables import comparison
from workflow.storage.errors import InputError

HEADER = ",".join(reported.Reported.model_fields)


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    return pd.read_csv(reported.FILE, dtype=str, keep_default_na=False)


def test_the_file_is_valid_and_has_the_agreed_columns(raw):
    assert list(raw.columns) == [
        "dataset", "front_end", "model", "protocol", "selection", "metric", "value", "unit", "source", "locator",
        "status", "counts",
    ]  # fmt: skip
    assert len(reported.load()) == len(raw) > 60


def test_unknown_values_are_empty_and_say_why(raw):
    unknown = raw[raw["status"] == "unknown"]
    assert (unknown["value"] == "").all()
    assert unknown["source"].str.startswith("not available to this project").all()
    assert (raw[raw["status"] != "unknown"]["value"] != "").all()


def test_numbers_that_nobody_could_verify_are_not_in_it(raw):
    assert not set(raw["value"]) & {"1245", "1,245", "810", "1725", "1,725", "47375", "72818"}


def test_derived_numbers_are_what_they_are_derived_from():
    table = reported.load()
    derived = table[table["status"] == "derived"]
    counts = {("tt_lstm", "ucf11"): 4 * (8 * 16 + 20 * 4 * 4 + 20 * 4 * 4 + 18 * 4)}
    counts["tt_lstm", "hmdb51"] = 4 * (4 * 16 + 20 * 4 * 4 + 20 * 4 * 4 + 36 * 4)
    counts["bt_lstm", "ucf11"] = 2 * (4 * (8 * 16 + 20 * 4 + 20 * 4 + 18 * 4) + 4**4)
    for (model, dataset), count in counts.items():
        row = derived[(derived["model"] == model) & (derived["dataset"] == dataset) & (derived["metric"] == "W")]
        assert row["value"].item() == count


def test_tednets_numbers_stand_by_the_formats_of_its_own_legend(raw):
    """Its BTT is the block-term one; each run has its own ranks, which are not those of config/paper.yaml."""
    rows = raw[raw["source"].str.contains("tednet") & (raw["metric"] == "accuracy")].set_index("model")
    assert rows["value"].to_dict() == {"lstm": "87.03", "tt_lstm": "90.19", "bt_lstm": "88.92", "tr_lstm": "92.09"}
    assert rows.loc[["tt_lstm", "bt_lstm", "tr_lstm"], "source"].str.contains("where config/paper.yaml has").all()


def test_percent_become_fractions_and_millions_units():
    table = reported.load()
    here = (table["dataset"] == "ucf11") & (table["front_end"] == "pixels") & (table["model"] == "lstm")
    values = table[here].set_index("metric")["value"]
    assert values["accuracy"] == pytest.approx(0.697)
    assert values["weights"] == pytest.approx(59.25e6)


def test_the_last_printed_digit_is_known(raw):
    steps = reported.load()["step"].groupby([raw["unit"], raw["value"]]).first()
    assert steps["percent", "87.9"] == pytest.approx(0.001)
    assert steps["million", "0.268"] == pytest.approx(1000)
    assert steps["count", "3132"] == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("ucf11,pixels,lstm,,,speed,1,count,a paper,,reported,", "metric: unknown metric 'speed'; known: accuracy, W"),
        ("ucf11,pixels,lstm,,,W,1,litres,a paper,,reported,", "unit: unknown unit 'litres'; known: percent"),
        ("ucf11,pixels,lstm,,,W,1,count,a paper,,guessed,", "status: unknown status 'guessed'; known: reported, deri"),
        ("ucf11,pixels,lstm,,,W,1,count,a,,published,", "status: unknown status 'published'; it is called 'reported'"),
        ("ucf11,pixels,lstm,,,total,1,count,a,,reported,", "metric: unknown metric 'total'; it is called 'weights'"),
        (
            "ucf11,pixels,lstm,,,ratio_total,1,ratio,a paper,,reported,",
            "metric: unknown metric 'ratio_total'; it is called 'ratio_weights' now",
        ),
        ("ucf11,cnn,lstm,,,W,1,count,a,,reported,", "front_end: unknown front end 'cnn'; it is called 'inception_v"),
        ("ufc11,pixels,lstm,,,W,1,count,a paper,,reported,", "dataset: unknown data set 'ufc11'; did you mean 'ucf11'"),
        (
            "ucf11,pixels,lstm,published,final,accuracy,1,percent,a paper,,reported,",
            "protocol is 'published'; expected 'random', for metric accuracy",
        ),
        ("ucf11,pixels,lstm,,,W,much,count,a paper,,reported,", "value is 'much'; expected a number, since status"),
        (
            "ucf11,pixels,lstm,,,weights,1,count,a paper,,reported,all",
            "counts is 'all'; expected some of W, U, bias, 2 biases, classifier weights joined by ' + '",
        ),
        ("ucf11,pixels,lstm,,,weights,1,count,a paper,,reported,", "counts is ''; expected some of W, U"),
        ("ucf11,pixels,lstm,,best,accuracy,1,percent,a paper,,reported,", "selection: unknown selection 'best'"),
        (
            "ucf11,pixels,lstm,,,accuracy,1,percent,a paper,,reported,",
            "selection is ''; expected one of final, best_test",
        ),
        (
            "hmdb51,pixels,lstm,group,final,accuracy,50,percent,a paper,,reported,",
            "protocol is 'group'; expected 'random', for metric accuracy",
        ),
        ("ucf11,pixels,lstm,,final,W,1,count,a paper,,reported,", "selection is 'final'; expected none, for metric W"),
        ("ucf11,pixels,lstm,,,W,1,count,,,reported,", "source: '' should have at least 1 character"),
        ("ucf11,pixels,lstm,,,W,1,count,no,,unknown,", "value is '1'; expected nothing, since status is unknown"),
        ("ucf11,pixels,lstm,,,W,,count,a paper,,reported,", "value is ''; expected a number, since status is reported"),
    ],
)
def test_a_wrong_row_is_named_with_its_line(tmp_path, row, message):
    (tmp_path / "reported.csv").write_text(f"{HEADER}\n{row}\n")
    with pytest.raises(InputError) as caught:
        reported.load(tmp_path / "reported.csv")
    assert f"reported.csv:2: {message}" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b"a;b\n1;2, 3\n4;5, 6, 7\n", "a,b\nü,1\n".encode("cp1252"), b""],
    ids=["semicolons", "cp1252", "empty"],
)
def test_a_file_of_a_spreadsheet_is_refused_by_its_reason(tmp_path, content):
    (tmp_path / "reported.csv").write_bytes(content)
    with pytest.raises(
        InputError, match=r"reported.csv: not a CSV file in UTF-8 with commas between columns \(.+\); save"
    ):
        reported.load(tmp_path / "reported.csv")


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    (tmp_path / "reported.csv").write_bytes(b"\xef\xbb\xbf" + reported.FILE.read_bytes())
    assert reported.load(tmp_path / "reported.csv").equals(reported.load())


def test_wrong_columns_are_named(tmp_path):
    (tmp_path / "reported.csv").write_text("model,value\n")
    with pytest.raises(InputError, match=r"expected the columns dataset, .*, found model, value"):
        reported.load(tmp_path / "reported.csv")


def test_a_reader_fills_in_a_value_and_the_tables_follow(tmp_path, raw):
    for fold in range(3):
        values = record("fdht_lstm", "random", fold, dataset="ucf11", best_epoch_accuracy=0.9 + fold / 1000)
        write_run(tmp_path, values, extras=False)
    own = raw.copy()
    here = (own["dataset"] == "ucf11") & (own["front_end"] == "pixels") & (own["model"] == "fdht_lstm")
    here &= own["metric"] == "accuracy"
    own.loc[here, ["value", "selection", "status", "source"]] = [
        "90.0",
        "best_test",
        "reported",
        "my copy of the paper",
    ]
    own.to_csv(tmp_path / "own.csv", index=False, quoting=csv.QUOTE_MINIMAL)
    before = comparison.build(gather(tmp_path)).iloc[0]
    assert (before["verdict"], before["status"]) == ("not reported", "unknown")
    after = comparison.build(gather(tmp_path, reported=tmp_path / "own.csv")).iloc[0]
    assert (after["verdict"], after["reported"], after["source"]) == ("match", 0.9, "my copy of the paper")
    tables.main(tmp_path, tmp_path / "t", reported=tmp_path / "own.csv")
    text = " ".join((tmp_path / "t/comparison.md").read_text().split())
    assert "| FDHT-LSTM | 90.0 | best | 90.1 | \\[89.7, 90.5] | 3 | +0.1 | match |" in text
