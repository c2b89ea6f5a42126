"""Which columns, rows, order and precision tables have is configuration; mistakes in it are one sentence."""

import re

import pytest

from workflow.commands import tables
from workflow.reporting import layout as layouts
from workflow.reporting.tables import TABLES
from workflow.storage.errors import InputError


def laid_out(synthetic, tmp_path, text, name="accuracy"):
    file = tmp_path / "layout.yaml"
    file.write_text(text)
    tables.main(synthetic, tmp_path, layout=file, tables=[name])
    return (tmp_path / f"{name}.md").read_text()


def test_columns_and_precision(synthetic, tmp_path):
    text = "tables: {accuracy: {columns: [model, test_accuracy], digits: {test_accuracy: 3}}}"
    shown = laid_out(synthetic, tmp_path, text)
    assert "| Model | Test acc. (%), epoch chosen on validation |" in " ".join(shown.split())
    assert "best test epoch" not in shown.split("\n- ")[0]
    assert re.search(r"^\| \*{0,2}FDHT-LSTM.*\d\d\.\d{3} ± \d\.\d{3}", shown, re.MULTILINE)


def test_a_csv_stays_complete(synthetic, tmp_path):
    laid_out(synthetic, tmp_path, "tables: {accuracy: {columns: [model]}}")
    assert len((tmp_path / "accuracy.csv").read_text().splitlines()) == 21


@pytest.mark.parametrize("name", TABLES)
def test_one_name_is_changed_and_the_rest_stays(synthetic, tmp_path, name):
    text = "models: {fdht_lstm: {label: Ours}}\ndatasets: {demo: Test set}"
    changed, default = (
        re.sub(r"[-:]{3,}|\s+", " ", laid_out(synthetic, tmp_path, layout, name)) for layout in (text, "{}")
    )
    assert changed.replace("Ours", "FDHT-LSTM").replace("Test set", "demo (generated)") == default
    assert (changed == default) == (name in ("ablation", "excluded"))  # which are empty


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tabels: {}", "layout.yaml: unknown key 'tabels'; did you mean 'tables'?"),
        ("tables: {accuracy: {column: [model]}}", "tables.accuracy: unknown key 'column'; did you mean 'columns'?"),
        ("tables: {accuracy: {columns: [speed]}}", "tables.accuracy.columns: 'speed' is no column; known: model, "),
        ("tables: {accuracy: {digits: {speed: 1}}}", "tables.accuracy.digits: 'speed' is no column; known: model, "),
        ("tables: {accuracies: {}}", "unknown table 'accuracies'; did you mean 'accuracy'?"),
        ("models: {lstm: {color: red}}", "models.lstm: unknown key 'color'; did you mean 'colour'?"),
        ("models: {my_lstm: {label: Mine}}", "models.my_lstm: missing colour, kind"),
        ("models: {lstm: {kind: big}}", "models.lstm.kind: 'big' should be 'baseline', 'dense'"),
        ("[1]", "holds a list; expected keys and values"),
        ("a: [", "not valid YAML"),
    ],
)
def test_mistakes_are_one_sentence(synthetic, tmp_path, text, message):
    with pytest.raises(InputError, match=re.escape(message)):
        laid_out(synthetic, tmp_path, text)


def test_a_missing_layout_is_one_sentence(synthetic, tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml: no such configuration file"):
        tables.main(synthetic, tmp_path, layout=tmp_path / "none.yaml")


def test_a_front_end_that_the_layout_does_not_name_has_its_own_title():
    layout = {"datasets": {"demo": "demo"}, "front_ends": {"pixels": "raw pixels"}}
    assert layouts.data_label(layout, "demo", "pixels") == "demo, raw pixels"
    assert layouts.data_label(layout, "demo", "inception_v3") == "demo, CNN features"
