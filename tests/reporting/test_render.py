"""Tables in print: escaped text, numbers, marks, and LaTeX that stands alone in any document."""

import shutil
import subprocess

import pytest
from synthetic_records import record, write_run

from workflow.commands import tables
from workflow.reporting import numbers, render, widths
from workflow.reporting.table import Cell, Column, Printed, text
from workflow.reporting.tables import TABLES, complexity

HOSTILE = r"a_b & 50 % of $x$ #1 {c} ~ ^ \d <e> | — ± ×"
needs_latex = pytest.mark.skipif(shutil.which("latexmk") is None, reason="latexmk is not installed")


def compiled(folder, text):
    (folder / "document.tex").write_text(text)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "document.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-1500:]
    return done.stdout


def document(names, packages=("booktabs", "threeparttable")):
    uses = "".join(f"\\usepackage{{{name}}}" for name in packages)
    inputs = "\n".join(f"\\input{{{name}}}" for name in names)
    column = "\\documentclass{article}\\usepackage[textwidth=3.25in]{geometry}"
    return f"{column}{uses}\\extrafloats{{100}}\\begin{{document}}\n{inputs}\n\\end{{document}}\n"


def test_text_is_escaped():
    text = render.escape_tex(HOSTILE)
    assert text.startswith(r"a\_b \& 50~\% of \$x\$ \#1 \{c\} \textasciitilde{} \textasciicircum{} \textbackslash{}d")
    assert text.endswith(r"\textless{}e\textgreater{} \textbar{} --- $\pm$ $\times$")


def test_greek_letters_need_no_greek_font():
    assert render.escape_tex("Δ (points), λ") == r"$\Delta$ (points), $\lambda$"


def test_a_quotation_mark_is_none_of_babels_abbreviations():
    assert render.escape_tex('LSTM "ours"') == r"LSTM \char34{}ours\char34{}"


@pytest.mark.parametrize(
    ("value", "digits", "sign", "text"),
    [
        (1234567, 0, False, "1\u202f234\u202f567"),
        (-2.345, 1, True, "−2.3"),
        (0.5, 1, True, "+0.5"),
        (0, 0, True, "0"),
        (-0.0, 1, False, "0.0"),
        (0.04, 1, True, "0.0"),  # a sign of what is not printed would say nothing
        (-0.04, 1, True, "0.0"),
        (0.0004, 1, False, "<0.1"),  # a small number is never printed as zero,
        (None, 1, False, "—"),
        (float("nan"), 1, False, "—"),
    ],
)
def test_numbers_in_print(value, digits, sign, text):
    assert numbers.number(value, digits, sign) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.84, "2.8"),
        (0.05, "0.1"),
        (0.0087, "0.009"),
        (0.001, "0.001"),
        (3e-15, "0.0"),
        (0.0, "0.0"),
        (float("nan"), ""),
    ],
)
def test_deviations_in_print_have_no_exponent_of_their_own(value, text):
    assert numbers.deviation(value, 1) == text


@pytest.mark.parametrize(("hours", "text"), [(12.34, "12.3 hours"), (1, "1.0 hours"), (0.022, "1.3 minutes")])
def test_durations_in_print(hours, text):
    assert numbers.duration(hours) == text


def printed(cells, title=""):
    columns = [Column("x", "two\nlines", text, align="l"), *[Column("y", "y", text)] * (len(cells) - 1)]
    return Printed("label", "A caption.", columns, [(title, [cells])], [])


def test_marks_in_latex_and_markdown():
    table = printed([Cell("61.5 ± 2.8", mark) for mark in ("", "best", "second")])
    tex = r"61.5$\pm$2.8 & \textbf{61.5$\pm$2.8} & \underline{61.5$\pm$2.8} \\"
    assert tex in render.to_tex([table], [], "")
    text = " ".join(render.to_markdown("t", [table], [], "").split())
    assert "| 61.5 ± 2.8 | **61.5 ± 2.8** | <u>61.5 ± 2.8</u> |" in text


def test_the_tabular_alone_is_a_part_of_the_float():
    table = printed([Cell("a | b"), Cell(numbers.number(-1234.5, 1), note="a")], "A block of 50 %")
    alone = render.tabular(table)
    assert alone.startswith(r"\begin{tabular}{@{}lr@{}}")
    assert alone.endswith(r"\end{tabular}")
    assert r"\shortstack[l]{two\\lines} & y \\" in alone
    assert r"\emph{A block of 50~\%}\strut}} &  \\" in alone
    assert r"a \textbar{} b & $-$1\,234.5$^{a}$ \\" in alone
    assert alone in render.to_tex([table], [], "")
    assert f"%\n{alone}}}%\n" in render.alone(table, [])


def test_a_note_has_the_letter_of_its_cells():
    table = Printed("t", "All.", [Column("n", "n")], [("", [[Cell("1", note="a")]])], ["a) Seeds: 1 & 2.", "All runs."])
    tex = render.to_tex([table], [], "")
    assert "\n\\item[a] Seeds: 1 \\& 2.\n\\item All runs.\n" in tex


@pytest.mark.parametrize("commit", ["-->", "--->", "--!>", ">"])
def test_the_origin_stays_a_comment(commit):
    first, heading, *_ = render.to_markdown("Title", [], [f"commit {commit}<script>"], "").splitlines()
    assert first.endswith(" -->")
    assert first.count(">") == 1
    assert heading == "# Title"


def test_blocks_are_rows_in_markdown():
    lines = render.to_markdown(
        "Title", [printed([Cell("a | b"), Cell("1", note="c")], "Block")], ["origin"], ""
    ).splitlines()
    assert lines[:2] == ["<!-- origin -->", "# Title"]
    assert [" ".join(line.split()) for line in lines[5:]] == [
        "| two lines | y |", "|:------------|------:|", "| *Block* | |", "| a \\| b | 1 (c) |",
    ]  # fmt: skip


@needs_latex
def test_every_table_can_be_input_on_its_own(few, damaged, tmp_path):
    for root in (few, damaged):
        tables.main(root, tmp_path)
        log = compiled(tmp_path, document(TABLES))
        assert "Overfull" not in log


@needs_latex
def test_text_that_means_something_to_latex_does_no_harm(tmp_path):
    broken = record(status="failed", failure=HOSTILE, test_accuracy=None, best_epoch_accuracy=None, device=HOSTILE)
    write_run(tmp_path, broken, extras=False)
    write_run(tmp_path, record(seed=1, device=HOSTILE), extras=False)
    tables.main(tmp_path, tmp_path, tables=["excluded", "cost"])
    compiled(tmp_path, document(["excluded", "cost"]))


def test_formulas_are_set_as_mathematics_and_readable_without():
    formula = "n_P n_Q s + n_1 M; n_P=36 M=256; U: 4 H^2"
    assert complexity.typeset(formula) == "$n_{P} n_{Q} s$ + $n_{1} M$; $n_{P}=36$, $M=256$; U: $4 H^2$"
    assert complexity.readable(formula) == "n_P·n_Q·s + n_1·M; n_P=36, M=256; U: 4·H²"
    assert complexity.typeset("sum over |state x core|") == r"sum over \textbar{}state $\times$ core\textbar{}"


def test_a_table_longer_than_a_page_goes_on_in_another():
    rows = [[Cell(str(number))] for number in range(44)]
    blocks = [("one", rows[:9]), ("two", rows[9:])]
    table = Printed("long", "All.", [Column("n", "n")], blocks, ["A note."], "tab:long")
    first, second = widths.pages(table)
    assert [title for title, _ in first.blocks] == ["one"]
    assert second.blocks == [blocks[1]]
    assert (first.name, first.label, first.notes, first.caption) == ("long", "tab:long", [], "All.")
    assert (second.name, second.label, second.notes) == ("long-2", "tab:long-2", ["A note."])
    assert second.caption == "All. Continued."
    assert (first.continued, second.continued) == (False, True)
    parts = widths.pages(table._replace(height=table.height / 2))
    assert [row for part in parts for _, block in part.blocks for row in block] == rows
    assert len(parts) > 2


def test_each_row_stands_alone_if_there_is_no_room_for_two():
    rows = [[Cell(str(number))] for number in range(3)]
    parts = widths.pages(Printed("low", "All.", [Column("n", "n")], [("", rows)], [], height=0.1))
    assert [part.blocks for part in parts] == [[("", [row])] for row in rows]


def test_the_parts_of_a_table_are_about_equally_long():
    rows = [[Cell(f"model {number}"), Cell("1.0")] for number in range(41)]
    table = Printed("t", "All.", [Column("model", "Model", align="l"), Column("W", "W")], [("", rows)], [], height=4.5)
    lengths = [len(part.blocks[0][1]) for part in widths.pages(table)]
    assert sum(lengths) == 41
    assert len(lengths) == 2
    assert max(lengths) - min(lengths) <= 3


def test_a_number_is_never_broken_at_its_thousands():
    assert widths.broken("217 of 1\u202f600 clips", 3) == ["217 of", "1\u202f600", "clips"]


def test_a_table_that_is_too_wide_is_cut_into_tiers_that_fit_each_with_the_first_column():
    columns = [Column(key, key, align="l") for key in "mabcdef"]
    table = Printed("t", "All.", columns, [("", [[Cell("one"), *[Cell("12345678901234")] * 6]])], [])
    tiers = widths.tiers(table)
    assert ["".join(column.key for column in tier.columns) for tier in tiers] == ["mabc", "mdef"]
    assert [len(tier.blocks[0][1][0]) for tier in tiers] == [4, 4]
    assert all(widths.fit(tier).total <= widths.fit(tier).room < widths.fit(table).total for tier in tiers)
    assert widths.tiers(table._replace(width=7.0)) == [table._replace(width=7.0)]
