"""Which columns, rows, order and precision tables have is configuration; mistakes in it are one sentence."""

import re

import pytest
from synthetic_records import write_grid

from workflow.commands import tables
from workflow.reporting.results import gather
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


def first_cells(text):
    """The first cells of a Markdown table's rows, by block."""
    rows = [line.split("|")[1].strip().strip("*") for line in text.splitlines() if line.startswith("|")]
    return rows[2:]  # below the headings and the line under them


def test_rows_and_their_order(synthetic, tmp_path):
    rows = "rows: {protocol: [group, random], model: [fdht_lstm, lstm]}"
    rows += ", parts: {demo-pixels: {rows: {front_end: [pixels]}}}"
    shown = first_cells(laid_out(synthetic, tmp_path, f"tables: {{accuracy: {{{rows}}}}}"))
    assert [cell for cell in shown if not cell.startswith("Protocol")] == ["FDHT-LSTM", "LSTM"] * 2
    assert [cell.split(":")[0] for cell in shown if cell.startswith("Protocol")] == [
        "Protocol group",
        "Protocol random",
    ]


def test_headings_caption_label_notes_and_environment(synthetic, tmp_path):
    text = (
        "tables: {accuracy: {headings: {weights: Size (W)}, caption: 50 % of it., label: 'tab:mine-{part}',"
        " notes: [One note.], environment: 'table*', size: 9, width: 7}}"
    )
    shown = laid_out(synthetic, tmp_path, text)
    assert "| Size (W) |" in " ".join(shown.split())
    assert "**50 % of it.**" in shown
    assert [line for line in shown.splitlines() if line.startswith("- ")] == ["- One note."]
    tex = (tmp_path / "accuracy.tex").read_text()
    assert tex.count(r"\begin{table*}[!htbp]") == tex.count(r"\end{table*}") == 1
    assert "\\caption{50~\\% of it.}\n\\label{tab:mine-demo-pixels}\n\\fontsize{9}{11}" in tex
    assert "\\item One note.\n\\end{tablenotes}" in tex
    alone = (tmp_path / "tabular" / "accuracy-demo-pixels.tex").read_text()
    assert "{\\fontsize{9}{11}" in alone
    assert r"\shortstack[r]{Test acc. (\%),\\epoch chosen\\on validation}" in alone  # as there is room


def test_a_part_has_a_layout_of_its_own(synthetic, tmp_path):
    part = "claims: {caption: All., parts: {size-demo-pixels: {caption: Sizes., columns: [model, found]}}}"
    shown = laid_out(synthetic, tmp_path, f"tables: {{{part}}}", "claims")
    captions = [line for line in shown.splitlines() if line.startswith("**")]
    assert captions == ["**Sizes.**", *["**All.**"] * (len(captions) - 1)]
    assert len(captions) > 1
    assert "| Model | Found |" in " ".join(shown.split())


def test_a_layout_may_name_parts_of_a_table_that_is_still_empty(synthetic, tmp_path):
    shown = laid_out(synthetic, tmp_path, "tables: {ablation: {parts: {demo-pixels: {caption: Mine.}}}}", "ablation")
    assert TABLES["ablation"].empty in shown


@pytest.fixture(scope="module")
def ucf11(tmp_path_factory):
    """Records with reported numbers to compare."""
    return write_grid(tmp_path_factory.mktemp("ucf11"), ("tt_lstm", "ht_lstm", "fdht_lstm"), dataset="ucf11")


def test_fractions_are_the_percentages_of_the_same_table(ucf11, tmp_path):
    for name, column in (("accuracy", "test_accuracy"), ("leakage", "random"), ("comparison", "reproduced")):
        digits = f"columns: [model, {column}], digits: {{{column}: 6}}"
        percent = laid_out(ucf11, tmp_path, f"tables: {{{name}: {{{digits}}}}}", name)
        digits = f"columns: [model, {column}], digits: {{{column}: 8}}, units: fraction"
        fraction = laid_out(ucf11, tmp_path, f"tables: {{{name}: {{{digits}}}}}", name)
        pattern = r"^\|.*\| +\W*(\d+\.\d+)"
        values = [[float(text) for text in re.findall(pattern, shown, re.MULTILINE)] for shown in (percent, fraction)]
        assert len(values[0]) > 2
        assert values[0] == pytest.approx([100 * value for value in values[1]], abs=1e-9)
        assert "(%)" in percent
        assert "(%)" not in fraction


def test_captions_and_notes_have_the_units_of_the_table(ucf11, tmp_path):
    percent = laid_out(ucf11, tmp_path, "{}", "claims")
    assert "more accurate, by 0.6 to 12.7 points, than" in percent
    assert "a difference of less than 3.0 points" in percent
    fraction = laid_out(ucf11, tmp_path, "tables: {claims: {units: fraction}}", "claims")
    assert "more accurate, by 0.006 to 0.127, than" in fraction
    assert "a difference of less than 0.030" in fraction
    assert "points" not in fraction


@pytest.mark.parametrize("marks", ["best", "none"])
def test_the_rule_of_marking(synthetic, tmp_path, marks):
    shown = laid_out(synthetic, tmp_path, f"marks: {marks}")
    for block in shown.split("*Protocol ")[1:]:
        rows = [re.split(r"\s*\|\s*", line) for line in block.splitlines() if "±" in line and line.startswith("|")]
        ranked = sorted((float(re.search(r"[\d.]+", row[4])[0]) for row in rows), reverse=True)
        marked = [[float(re.search(r"[\d.]+", row[4])[0]) for row in rows if mark in row[4]] for mark in ("**", "<u>")]
        assert marked == ([ranked[:1], ranked[1:2]] if marks == "best" else [[], []])
    assert ("Bold: the highest mean" in shown) == (marks == "best")
    assert "Nothing is bold" not in shown


def test_notes_speak_of_printed_columns_only(synthetic, tmp_path):
    assert "Welch's" in laid_out(synthetic, tmp_path, "{}", "factors")
    columns = "tables: {factors: {columns: [difference_of, difference]}}"
    assert "Welch's" not in laid_out(synthetic, tmp_path, columns, "factors")


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
    assert (changed == default) == (name in ("ablation", "comparison", "excluded", "search"))  # which are empty


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tabels: {}", "layout.yaml: unknown key 'tabels'; did you mean 'tables'?"),
        ("tables: {accuracy: {column: [model]}}", "tables.accuracy: unknown key 'column'; did you mean 'columns'?"),
        ("tables: {accuracy: {columns: [speed]}}", "tables.accuracy.columns: 'speed' is no column; known: model, "),
        ("tables: {accuracy: {columns: [total]}}", "columns: 'total' is no column; it is called 'weights' now"),
        ("front_ends: {cnn: CNN}", "front_ends.cnn: unknown front end 'cnn'; it is called 'inception_v3' now"),
        ("protocols: {published: split}", "protocols.published: unknown protocol 'published'; it is called 'random'"),
        ("recipes: {published: theirs}", "recipes.published: unknown recipe 'published'; it is called 'authors' now"),
        ("tables: {accuracy: {digits: {speed: 1}}}", "tables.accuracy.digits: 'speed' is no column; known: model, "),
        (
            "tables: {accuracy: {headings: {speed: S}}}",
            "tables.accuracy.headings: 'speed' is no column; known: model, ",
        ),
        ("tables: {accuracy: {rows: {speed: [1]}}}", "tables.accuracy.rows: 'speed' is no column; known: dataset, "),
        (
            "tables: {accuracy: {rows: {model: [tt]}}}",
            "tables.accuracy.rows.model: 'tt' is no entry of this column; known",
        ),
        ("tables: {accuracy: {parts: {ucf: {}}}}", "tables.accuracy.parts: 'ucf' is no part; known: demo-pixels"),
        ("tables: {accuracy: {units: '%'}}", "tables.accuracy.units: '%' should be 'percent' or 'fraction'"),
        ("tables: {accuracy: {environment: '{table}'}}", "tables.accuracy.environment: '{table}' "),
        ("marks: bold", "marks: 'bold' should be 'significant', 'best' or 'none'"),
        ("tables: {accuracies: {}}", "unknown table 'accuracies'; did you mean 'accuracy'?"),
        ("models: {lstm: {color: red}}", "models.lstm: unknown key 'color'; did you mean 'colour'?"),
        ("models: {lstm: {colour: blu}}", "models.lstm.colour: 'blu' is not a colour that matplotlib knows"),
        ("models: {lstm: {marker: Q}}", "models.lstm.marker: 'Q' is not a marker that matplotlib knows"),
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


def test_a_front_end_that_the_layout_does_not_name_has_its_own_title(synthetic, tmp_path):
    (tmp_path / "layout.yaml").write_text("{datasets: {demo: demo}, front_ends: {pixels: raw pixels}}")
    found = gather(synthetic, layout=tmp_path / "layout.yaml")
    assert found.data_label("demo", "pixels") == "demo, raw pixels"
    assert found.data_label("demo", "efficientnet_lite2") == "demo, EfficientNet-Lite2 features"
