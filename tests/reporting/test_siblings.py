"""Accuracy by siblings in training: counted by hand, over folds, within runs."""

import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from scipy import stats
from synthetic_records import record, write_run

from workflow.reporting.figures import FIGURES
from workflow.reporting.figures import siblings as figure
from workflow.reporting.results import gather
from workflow.reporting.tables import TABLES, siblings

# (fold, seed) -> hits of the clips with a sibling, hits of those without
HITS = {
    (0, 0): ([1, 1, 1, 0], [0, 1]),
    (0, 1): ([1, 1, 1, 1], [0, 0]),
    (1, 0): ([1, 1], [0, 0, 1, 0]),
    (1, 1): ([1, 0], [0, 0, 1, 1]),
    (2, 0): ([1, 1, 0, 1], [1, 0, 0, 0]),
    (2, 1): ([1, 1, 0, 1], [1, 0, 0, 0]),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Three folds and two seeds of one model under random, one run under group, one record without the column."""
    root = tmp_path_factory.mktemp("siblings")
    for (fold, seed), parts in HITS.items():
        rows = [(hit, count) for hits, count in zip(parts, (2, 0), strict=True) for hit in hits]
        table = pd.DataFrame({"label": 1, "predicted": [hit for hit, _ in rows], "siblings": [n for _, n in rows]})
        table.to_csv(write_run(root, record("ht_lstm", "random", fold, seed)) / "predictions.csv", index=False)
    write_run(root, record("ht_lstm", "group"))
    old = write_run(root, record("tt_lstm", "random")) / "predictions.csv"
    pd.read_csv(old).drop(columns="siblings").to_csv(old, index=False)
    return gather(root)


def test_seeds_are_averaged_first_and_folds_are_the_unit(written):
    (row,) = siblings.build(written).to_dict("records")
    assert (row["model"], row["protocol"], row["folds"]) == ("ht_lstm", "random", 3)
    with_sibling, without = [(0.75 + 1) / 2, (1 + 0.5) / 2, 0.75], [0.25, (0.25 + 0.5) / 2, 0.25]
    assert row["accuracy_with"] == pytest.approx(sum(with_sibling) / 3)
    assert row["accuracy_without"] == pytest.approx(sum(without) / 3)
    assert (row["clips_with"], row["clips_without"]) == pytest.approx((10 / 3, 10 / 3))
    differences = [one - other for one, other in zip(with_sibling, without, strict=True)]
    assert row["difference"] == pytest.approx(sum(differences) / 3)
    # Student's interval, its variance corrected for shared training clips by 1 / (folds - 1)
    half = stats.t.ppf(0.975, 2) * stats.tstd(differences) * (1 / 3 + 1 / 2) ** 0.5
    assert (row["low"], row["high"]) == pytest.approx((row["difference"] - half, row["difference"] + half))


def test_a_fold_whose_clips_all_have_siblings_gives_no_difference(tmp_path):
    for fold, counts in enumerate(([1, 1], [1, 0])):
        table = pd.DataFrame({"label": 1, "predicted": [1, 0], "siblings": counts})
        table.to_csv(write_run(tmp_path, record("ht_lstm", "random", fold)) / "predictions.csv", index=False)
    (row,) = siblings.build(gather(tmp_path)).to_dict("records")
    assert (row["folds"], row["difference"]) == (1, 1.0)
    assert row["accuracy_with"] == pytest.approx((0.5 + 1) / 2)
    assert pd.isna(row["low"])


def names_of_rows(figure):
    return [" ".join(text.get_text().split()) for panel in figure.axes for text in panel.texts]


def test_the_figure_shows_both_kinds_of_clips(written):
    canvas, caption = FIGURES["siblings"].drawing(written)
    assert "n = 3 folds" in caption
    (panel,) = canvas.axes
    assert names_of_rows(canvas) == ["protocol random"]
    marks = [found for found in panel.collections if isinstance(found, PathCollection)]
    places = [x for found in marks for x in found.get_offsets()[:, 0]]
    row = siblings.build(written).iloc[0]
    assert places == pytest.approx([100 * row["accuracy_with"], 100 * row["accuracy_without"]])


def test_without_the_column_there_is_nothing_to_show(tmp_path):
    file = write_run(tmp_path, record("tt_lstm", "random")) / "predictions.csv"
    pd.read_csv(file).drop(columns="siblings").to_csv(file, index=False)
    results = gather(tmp_path)
    assert TABLES["siblings"].printed(results) == []
    assert FIGURES["siblings"].drawing(results) == (None, figure.EMPTY)


def test_the_reason_of_no_figure_is_not_that_the_table_is_empty(shipped):
    assert set(siblings.build(shipped)["protocol"]) == {"siblings_25", "siblings_50", "siblings_75"}
    assert FIGURES["siblings"].drawing(shipped).text == (
        "No fold of protocol random or group has predictions of clips with and without a sibling in training."
    )


def test_protocols_have_printed_names(tmp_path):
    table = pd.DataFrame({"label": 1, "predicted": [1, 0], "siblings": [2, 0]})
    for fold in (0, 1):
        folder = write_run(tmp_path, record("ht_lstm", "siblings_50", fold))
        table.to_csv(folder / "predictions.csv", index=False)
    (sheet,) = TABLES["siblings"].printed(gather(tmp_path))
    assert [title for title, _ in sheet.blocks] == ["Protocol siblings 50 %"]
    assert names_of_rows(FIGURES["siblings"].draw(gather(tmp_path))) == ["protocol siblings 50 %"]
