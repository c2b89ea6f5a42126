"""Integrate-then-decompose: paired contrasts of FDHT-LSTM with other ways to decompose W and U."""

import pytest
import yaml
from scipy import stats
from synthetic_records import SHAPES, record, write_run

from workflow.reporting import models
from workflow.reporting.figures import FIGURES
from workflow.reporting.results import gather
from workflow.reporting.tables import TABLES, ablation

ACCURACY = {  # model -> by fold, means over two seeds that differ by 0.02
    "fdht_lstm": (0.60, 0.62, 0.67),
    "per_gate_lstm": (0.58, 0.61, 0.63),
    "ht_lstm": (0.50, 0.50, 0.50),
    "lstm": (0.40, 0.40, 0.40),
}
SIZES = {"fdht_lstm": (3856, 0), "per_gate_lstm": (3800, 0), "ht_lstm": (3600, 262_144), "lstm": (58_982_400, 262_144)}
PER_GATE = {"format": "per_gate", "input_modes": [6, 6, 40, 48], "output_modes": [8, 8, 2, 2], "ranks": 3}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("ablation")
    for model, folds in ACCURACY.items():
        W, U = SIZES[model]
        for fold, mean in enumerate(folds):
            for seed in (0, 1):
                parameters = {"W": W, "U": U, "bias": 1024, "classifier": 2056}
                values = {"parameters": parameters, "test_accuracy": round(mean - 0.01 + 0.02 * seed, 4)}
                folder = write_run(root, record(model, "random", fold, seed, family=model, **values))
                if model == "per_gate_lstm":
                    recurrent = PER_GATE | {"hidden_size": 256, "input_size": 57600}
                    (folder / "specification.yaml").write_text(yaml.safe_dump({"recurrent": recurrent}))
    return gather(root)


def test_what_decomposes_u_in_another_way_is_an_alternative(written):
    kinds = {model: models.kind(written, model) for model in ACCURACY}
    assert kinds == {
        "fdht_lstm": "fdht",
        "per_gate_lstm": "alternative",
        "ht_lstm": "compressed",
        "lstm": "dense",
    }


def test_a_family_unknown_to_the_layout_is_an_alternative_by_its_format(tmp_path):
    for model, shape in (("mine", PER_GATE), ("yours", SHAPES["ht_lstm"])):
        text = yaml.safe_dump({"recurrent": shape | {"hidden_size": 256, "input_size": 57600}})
        (write_run(tmp_path, record(model, family=model)) / "specification.yaml").write_text(text)
    results = gather(tmp_path)
    assert [models.kind(results, model) for model in ("mine", "yours")] == ["alternative", "compressed"]


def test_contrasts_are_paired_by_fold(written):
    table = ablation.build(written).query("measure == 'test_accuracy'").set_index("against")
    assert list(table.index) == ["per_gate_lstm", "ht_lstm"]
    for model in table.index:
        row = table.loc[model]
        differences = [own - other for own, other in zip(ACCURACY["fdht_lstm"], ACCURACY[model], strict=True)]
        assert row["difference"] == pytest.approx(sum(differences) / 3)
        assert row["folds"] == 3
        # Student's interval, its variance corrected for shared training clips by 1 / (folds - 1)
        error = stats.tstd(differences) * (1 / 3 + 1 / 2) ** 0.5
        assert row["high"] - row["difference"] == pytest.approx(stats.t.ppf(0.975, 2) * error, rel=1e-6)
    assert table["weights_against"].tolist() == [3800, 3600 + 262_144]
    assert table["p_corrected"].between(table["p"], 1).all()


def test_the_table_and_the_figure_show_them(written):
    (sheet,) = TABLES["ablation"].printed(written)
    title, rows = sheet.blocks[0]
    assert title.startswith("Protocol random: ")
    assert rows[0][0].text == "HT, gates apart"
    (panel,) = FIGURES["ablation"].drawing(written).canvas.axes
    assert [label.get_text() for label in panel.get_yticklabels()] == [
        "HT, gates apart (3\u202f800)",
        "HT-LSTM (265\u202f744)",
    ]


def test_without_an_alternative_there_is_no_table(results):
    assert ablation.build(results).empty
    assert TABLES["ablation"].printed(results) == []
    assert FIGURES["ablation"].drawing(results) == (None, ablation.EMPTY)
