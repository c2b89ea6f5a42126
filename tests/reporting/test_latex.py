"""What LaTeX gets: tables that stand alone, the article, the archive for arXiv."""

import io
import re
import shutil
import subprocess
import tarfile

import pytest
from matplotlib.figure import Figure
from synthetic_records import record, write_run

from workflow.commands import tables
from workflow.reporting import render
from workflow.reporting.drawing.figure import Drawing
from workflow.reporting.paper import article as paper
from workflow.reporting.paper import macros
from workflow.reporting.results import gather
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


def prose():
    """The article's text without preamble, comments, mathematics and the names of files, labels and macros."""
    text = (paper.SOURCES / "paper.tex").read_text().split(r"\begin{document}")[1]
    text = re.sub(r"(?<!\\)%.*", "", text)
    text = re.sub(r"\\begin\{(equation|align)\}.*?\\end\{\1\}", "", text, flags=re.DOTALL)
    text = re.sub(r"\$[^$]*\$", "", text)
    return re.sub(
        r"\\(input|label|ref|cite|pagewide|setlength|bibliography|bibliographystyle)\{[^}]*\}(\{[^}]*\})?", "", text
    )


def test_no_number_is_typed_in_the_article():
    assert re.findall(r"\d", prose().replace(r"\itemsep}{0pt}", "")) == []


def test_every_macro_of_the_article_exists_and_is_used(results):
    source = (paper.SOURCES / "paper.tex").read_text()
    known = set(macros.values(results))
    used = {name for name in known if re.search(rf"\\{name}(?![A-Za-z])", source)}
    assert known - used == set()


def test_macros_of_no_records_say_so(tmp_path):
    values = macros.values(gather(tmp_path))
    assert values["rivalWeights"] == macros.UNKNOWN
    assert values["fdhtText"] == "No FDHT-LSTM is among them."
    assert values["claimAccuracy"] == "not run"
    assert values["resultsText"] == "There is no finished run yet."


def test_counts_agree_with_their_nouns(tmp_path, results):
    assert (macros.values(results)["foldsCount"], macros.values(results)["seedsCount"]) == ("3 folds", "2 seeds")
    write_run(tmp_path, record(), extras=False)
    assert macros.values(gather(tmp_path))["seedsCount"] == "1 seed"


def test_formulas_are_set_as_mathematics_and_readable_without():
    formula = "n_P n_Q s + n_1 M; n_P=36 M=256; U: 4 H^2"
    assert complexity.typeset(formula) == "$n_{P} n_{Q} s$ + $n_{1} M$; $n_{P}=36$, $M=256$; U: $4 H^2$"
    assert complexity.readable(formula) == "n_P·n_Q·s + n_1·M; n_P=36, M=256; U: 4·H²"
    assert complexity.typeset("sum over |state x core|") == r"sum over |state $\times$ core|"


def test_without_latexmk_one_line_says_so_and_nothing_fails(few, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert paper.main(["--from", str(few), "--output", str(tmp_path / "paper.pdf")]) == 0
    said = capsys.readouterr().err
    assert said == "paper: latexmk is not installed, so there is no paper.pdf; nothing else needs it\n"
    assert not (tmp_path / "paper.pdf").exists()


@pytest.mark.slow
@needs_latex
def test_the_article_and_its_archive(few, tmp_path):
    command = ["--from", str(few)]
    for name in ("one", "two"):
        target = tmp_path / name
        assert paper.main([*command, "--output", str(target / "p.pdf"), "--arxiv", str(target / "a.tar.gz")]) == 0
    assert (tmp_path / "one/p.pdf").read_bytes() == (tmp_path / "two/p.pdf").read_bytes()
    assert (tmp_path / "one/a.tar.gz").read_bytes() == (tmp_path / "two/a.tar.gz").read_bytes()
    with tarfile.open(fileobj=io.BytesIO((tmp_path / "one/a.tar.gz").read_bytes())) as archive:
        names = archive.getnames()
        assert {"paper.tex", "paper.bbl", "macros.tex", "tables/accuracy.tex", "figures/rank.pdf"} <= set(names)
        assert "paper.pdf" not in names
        archive.extractall(tmp_path / "again", filter="data")
    paper.compile_pdf(tmp_path / "again")  # as arXiv would
    log = (tmp_path / "again" / "paper.log").read_text(errors="replace")
    assert "undefined" not in log
    if shutil.which("pdftotext"):
        pages = subprocess.run(["pdftotext", tmp_path / "one/p.pdf", "-"], capture_output=True, text=True, check=True)
        words = " ".join(pages.stdout.split())
        assert "12 records" in words
        assert "workflow.reporting.figures.rank" in words
        assert "??" not in words
    if shutil.which("pdffonts"):
        fonts = subprocess.run(["pdffonts", tmp_path / "one/p.pdf"], capture_output=True, text=True, check=True).stdout
        assert "Type 3" not in fonts
        assert not re.search(r"\bno\s+(yes|no)\s+(yes|no)\s+\d+\s+\d+$", fonts, re.MULTILINE)


@pytest.mark.slow
@needs_latex
def test_the_article_of_no_records_compiles(tmp_path):
    assert paper.main(["--from", str(tmp_path), "--output", str(tmp_path / "paper.pdf")]) == 0


@needs_latex
def test_an_error_of_latex_is_one_sentence(tmp_path):
    (tmp_path / "paper.tex").write_text("\\documentclass{article}\\begin{document}\\nonsense\\end{document}")
    with pytest.raises(paper.ReportingError, match="LaTeX failed: ! Undefined control sequence"):
        paper.compile_pdf(tmp_path)


def test_a_figure_with_nothing_to_show_is_left_out_of_the_article():
    text = paper.drawn({"cost": Drawing(Figure(), "Up to 100 %."), "leakage": Drawing(None, "No runs.")})
    assert text.splitlines() == [
        r"\newcommand{\figureCost}{\pagewide{cost}{Up to 100 \%.}}",
        r"\newcommand{\referCost}{Figure~\ref{fig:cost}\xspace}",
        r"\newcommand{\figureLeakage}{}",
        r"\newcommand{\referLeakage}{no figure: No runs\xspace}",
    ]
