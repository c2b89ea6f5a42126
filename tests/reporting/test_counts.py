"""parameters and complexity from a configuration alone."""

import re
import subprocess
import sys

import pandas as pd
import pytest
import yaml
from synthetic_records import SHAPES

from workflow.commands import tables
from workflow.storage.errors import InputError

HT = SHAPES["ht_lstm"]
CONFIG = {
    "name": "counting",
    "datasets": {"ucf11": {}, "youtube_celebrities": {}},
    "front_ends": ["pixels", "inception_v3"],
    "models": {
        "nearest_neighbour": {"format": "nearest_neighbour"},
        "lstm": {"format": "dense", "hidden_size": 256, "for": {"inception_v3": {"hidden_size": 2048}}},
        "ht_lstm": {
            **HT,
            "hidden_size": 256,
            "for": {
                "youtube_celebrities/pixels": {"leaf_rank": 3, "inner_rank": 3},
                "inception_v3": {"hidden_size": 2048, "input_modes": [2, 4, 4, 8, 8], "output_modes": [8, 4, 4, 4, 4]},
            },
        },
        "fdht_lstm": {**SHAPES["fdht_lstm"], "hidden_size": 256, "only": ["pixels"]},
    },
}


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("counts")
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    tables.main(config=folder / "config.yaml", output=folder / "tables")
    return folder


def test_a_row_per_data_set_front_end_and_model(counted):
    table = pd.read_csv(counted / "tables" / "parameters.csv")
    assert list(table.columns) == [
        "dataset", "front_end", "model", "W", "U", "weights", "bias", "classifier", "ratio_W", "ratio_weights",
    ]  # fmt: skip
    assert len(table) == 2 * 2 * 3 + 2
    rows = table.set_index(["dataset", "front_end", "model"])
    ht = rows.loc[("ucf11", "pixels", "ht_lstm")]
    assert (ht["W"], ht["U"], ht["weights"], ht["bias"]) == (1245, 262_144, 263_389, 1024)
    assert ht["classifier"] == 257 * 11
    assert ht["ratio_W"] == pytest.approx(58_982_400 / 1245)
    assert ht["ratio_weights"] == pytest.approx(59_244_544 / 263_389)
    assert rows.loc[("youtube_celebrities", "pixels", "ht_lstm"), "W"] == 810
    assert rows.loc[("ucf11", "inception_v3", "lstm"), "W"] == 16_777_216
    assert rows.loc[("ucf11", "pixels", "lstm"), "ratio_W"] == 1
    assert pd.isna(rows.loc[("ucf11", "pixels", "nearest_neighbour"), "ratio_W"])
    fdht = rows.loc[("ucf11", "pixels", "fdht_lstm")]
    assert fdht["ratio_W"] == fdht["ratio_weights"] == pytest.approx(59_244_544 / fdht["W"])  # its W holds U


def test_complexity_has_numbers_and_formulas(counted):
    table = pd.read_csv(counted / "tables" / "complexity.csv")
    assert list(table.columns) == ["dataset", "front_end", "model", "weights", "multiply_adds", "peak", "formula"]
    rows = table.set_index(["dataset", "front_end", "model"])
    dense = rows.loc[("ucf11", "pixels", "lstm")]
    assert dense["multiply_adds"] == 4 * 256 * (57_600 + 256)
    assert (table["formula"].str.len() > 0).all()


def test_no_torch_is_imported(counted, root):
    config = str(counted / "config.yaml")
    code = (
        "import sys; from pathlib import Path; from workflow.commands import tables; "
        f"tables.main(config={config!r}, output=Path({str(counted / 'again')!r})); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
    for name in ("parameters.csv", "complexity.tex"):
        assert (counted / "again" / name).read_bytes() == (counted / "tables" / name).read_bytes()


def test_a_wrong_configuration_is_one_sentence(tmp_path):
    (tmp_path / "wrong.yaml").write_text("name: x\ndatasets: {ucf11: {}}\nmodels: {}\nspeed: 1\n")
    with pytest.raises(InputError, match=r"wrong\.yaml"):
        tables.main(config=tmp_path / "wrong.yaml", output=tmp_path)


def test_without_records_a_table_that_needs_them_is_refused(counted, tmp_path):
    expected = r"^--from DIR is missing; without records only these tables can be made: .*\bparameters\b"
    with pytest.raises(InputError, match=expected):
        tables.main(config=counted / "config.yaml", output=tmp_path / "made", tables=["accuracy"])
    assert not (tmp_path / "made").exists()


def test_a_folder_without_records_is_named(tmp_path):
    with pytest.raises(InputError, match=rf"^{re.escape(str(tmp_path))}: no result\.json in this folder or below it; "):
        tables.main(tmp_path, tables=["accuracy"])
