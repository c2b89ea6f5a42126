"""Tables in LaTeX: escaped, and each usable on its own."""

import shutil
import subprocess

import pytest
from synthetic_records import record, write_run

from workflow.commands import tables
from workflow.reporting import render
from workflow.reporting.tables import complexity

HOSTILE = r"a_b & 50 % of $x$ #1 {c} ~ ^ \d <e> — ± ×"
needs_latex = pytest.mark.skipif(shutil.which("latexmk") is None, reason="latexmk is not installed")


def compiled(folder, text):
    (folder / "document.tex").write_text(text)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "document.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-1500:]
    return done.stdout


def document(names, packages=("booktabs",)):
    uses = "".join(f"\\usepackage{{{name}}}" for name in packages)
    inputs = "\n".join(f"\\input{{{name}}}" for name in names)
    return f"\\documentclass{{article}}{uses}\\extrafloats{{100}}\\begin{{document}}\n{inputs}\n\\end{{document}}\n"


def test_text_is_escaped():
    text = render.escape_tex(HOSTILE)
    assert text.startswith(r"a\_b \& 50 \% of \$x\$ \#1 \{c\} \textasciitilde{} \textasciicircum{} \textbackslash{}d")
    assert text.endswith(r"\textless{}e\textgreater{} --- $\pm$ $\times$")


@pytest.mark.parametrize(
    ("value", "digits", "sign", "text"),
    [
        (1234567, 0, False, "1\u2009234\u2009567"),
        (-2.345, 1, True, "−2.3"),
        (0.5, 1, True, "+0.5"),
        (0, 0, True, "0"),
        (0.0004, 1, False, "<0.1"),  # a small number is never printed as zero, nor with an exponent beside others
        (None, 1, False, "—"),
        (float("nan"), 1, False, "—"),
    ],
)
def test_numbers_in_print(value, digits, sign, text):
    assert render.number(value, digits, sign) == text


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
    assert render.deviation(value, 1) == text


@pytest.mark.parametrize(("hours", "text"), [(12.34, "12.3 hours"), (1, "1.0 hours"), (0.022, "1.3 minutes")])
def test_durations_in_print(hours, text):
    assert render.duration(hours) == text


@needs_latex
@pytest.mark.parametrize("siunitx", [False, True])
def test_small_and_negative_numbers_compile(tmp_path, siunitx):
    cells = [render.Cell(render.number(value, 1), "0.003", "best", number=True) for value in (4e-4, -4e-4, -2.0)]
    sheet = render.Sheet("t", "c", [render.Column("x", ("x",))] * 3, [("", [cells])], [])
    (tmp_path / "small.tex").write_text(render.to_tex([sheet], [], siunitx))
    compiled(tmp_path, document(["small"], ("booktabs", "siunitx")))


def test_deviations_best_and_second_in_latex():
    cells = [render.Cell("61.5", "2.8", mark, number=True) for mark in ("", "best", "second")]
    column = [render.Column("x", ("x",))] * 3
    text = render.to_tex([render.Sheet("t", "c", column, [("", [cells])], [])], [])
    assert r"$61.5 \pm 2.8$ & $\mathbf{61.5} \pm 2.8$ & \underline{$61.5 \pm 2.8$} \\" in text
    siunitx = render.to_tex([render.Sheet("t", "c", column, [("", [cells])], [])], [], siunitx=True)
    assert r"\num{61.5 \pm 2.8} & \textbf{\num{61.5 \pm 2.8}}" in siunitx


@needs_latex
def test_every_table_can_be_input_on_its_own(few, damaged, tmp_path):
    for root in (few, damaged):
        tables.main(["--from", str(root), "--output", str(tmp_path)])
        said = compiled(tmp_path, document(tables.TABLES))
        assert "Overfull" not in said


@needs_latex
def test_text_that_means_something_to_latex_does_no_harm(tmp_path):
    broken = record(status="failed", failure=HOSTILE, test_accuracy=None, best_epoch_accuracy=None, device=HOSTILE)
    write_run(tmp_path, broken, extras=False)
    write_run(tmp_path, record(seed=1, device=HOSTILE), extras=False)
    tables.main(["--from", str(tmp_path), "--output", str(tmp_path), "--tables", "holes", "cost"])
    compiled(tmp_path, document(["holes", "cost"]))


@needs_latex
def test_siunitx_is_an_option(few, tmp_path):
    (tmp_path / "layout.yaml").write_text("siunitx: true\n")
    tables.main(["--from", str(few), "--output", str(tmp_path), "--layout", str(tmp_path / "layout.yaml")])
    assert r"\num{" in (tmp_path / "accuracy.tex").read_text()
    compiled(tmp_path, document(["accuracy", "parameters"], ("booktabs", "siunitx")))


def test_formulas_are_set_as_mathematics_and_readable_without():
    formula = "n_P n_Q s + n_1 M; n_P=36 M=256; U: 4 H^2"
    assert complexity.typeset(formula) == "$n_{P} n_{Q} s$ + $n_{1} M$; $n_{P}=36$, $M=256$; U: $4 H^2$"
    assert complexity.readable(formula) == "n_P·n_Q·s + n_1·M; n_P=36, M=256; U: 4·H²"
    assert complexity.typeset("sum over |state x core|") == r"sum over |state $\times$ core|"
