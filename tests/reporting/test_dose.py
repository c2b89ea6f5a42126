"""Accuracy against the share of test clips with a sibling in training."""

import pytest
from synthetic_records import record, write_run

from workflow.datasets.protocols import SIBLINGS
from workflow.reporting.figures import FIGURES, dose
from workflow.reporting.results import gather


@pytest.fixture(scope="module")
def shares(tmp_path_factory):
    """Two models, three folds, one seed: accuracy after the last epoch is 0.3 + share / 2 + fold / 100."""
    root = tmp_path_factory.mktemp("shares")
    lines = ["dataset,protocol,fold,n_train,n_validation,n_test,test_with_sibling_in_train"]
    for protocol, share in SIBLINGS.items():
        for fold in range(3):
            accuracy = {"test_accuracy": None, "final_epoch_accuracy": round(0.3 + share / 2 + fold / 100, 4)}
            for model in ("ht_lstm", "fdht_lstm"):
                write_run(root, record(model, protocol, fold, dataset="ucf11", **accuracy))
            lines.append(f"ucf11,{protocol},{fold},100,0,50,{0.9 * share}")
    (root / "data" / "ucf11").mkdir(parents=True)
    (root / "data" / "ucf11" / "leakage.csv").write_text("\n".join(lines) + "\n")
    return gather(root)


def test_the_share_is_the_counted_one_and_the_accuracy_that_of_the_last_epoch(shares):
    table = dose.table(shares).query("model == 'fdht_lstm'").sort_values("share")
    assert table["share"].tolist() == pytest.approx([100 * 0.9 * share for share in SIBLINGS.values()])
    assert table["value"].tolist() == pytest.approx([31 + 50 * share for share in SIBLINGS.values()])
    assert (table["low"] < table["value"]).all()
    assert (table["value"] < table["high"]).all()


def test_the_figure_has_a_line_per_model(shares):
    (panel,) = FIGURES["dose"].drawing(shares).canvas.axes
    assert [len(bars.lines[0].get_xdata()) for bars in panel.containers] == [len(SIBLINGS)] * 2


def test_other_protocols_are_no_doses(results):
    assert FIGURES["dose"].drawing(results) == (None, dose.EMPTY)
