"""The tables of the reference in the classes that papers are written in: nothing is wider than its column."""

import re
import shutil
import subprocess

import pytest

from workflow.reporting import widths
from workflow.reporting.drawing import panels
from workflow.reporting.tables import TABLES, write

pytestmark = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
# Styles that TeX Live lacks are here by the width of their text. A column of 3.25 inches is less than those of CVPR
# (text of 6.875 inches, 0.3125 between the columns), IEEEtran (3.5 inches) and acmart's sigconf (241 pt).
COLUMN = r"\documentclass[twocolumn]{article}\usepackage[textwidth=6.75in,columnsep=0.25in]{geometry}"
CLASSES = {
    "article": r"\documentclass{article}",
    "column": COLUMN,
    "column, Times": COLUMN + r"\usepackage{mathptmx}",
    "ACL": r"\documentclass[11pt,twocolumn]{article}\usepackage[textwidth=16cm,columnsep=0.6cm]{geometry}"
    r"\usepackage{mathptmx}",  # its style file
    "NeurIPS": r"\documentclass{article}\usepackage[textwidth=5.5in]{geometry}\usepackage{mathptmx}",  # its style file
    "Springer": r"\documentclass{article}\usepackage[textwidth=12.2cm]{geometry}",  # llncs.cls
    "llncs": r"\documentclass{llncs}",
    "IEEEtran": r"\documentclass[conference]{IEEEtran}",
    "acmart": r"\documentclass[sigconf]{acmart}\title{Tables}",
}
BEGIN = r"\begin{document}\ifdefined\acmConference\maketitle\fi "  # acmart has one column until then

SLIDE = 2.2  # inches of a tabular on a slide, as paper/layout.yaml has it


@pytest.fixture(scope="module")
def made(shipped, tmp_path_factory):
    """The tables of the reference, and those for slides in `slides`."""
    folder = tmp_path_factory.mktemp("reference")
    write(shipped, folder, list(TABLES))
    tables = {name: shipped.layout["tables"].get(name, {}) | {"height": SLIDE} for name in TABLES}
    with pytest.MonkeyPatch.context() as patch:  # not another Results, which would compute every table again
        patch.setitem(shipped.layout, "tables", tables)
        write(shipped, folder / "slides", list(TABLES))
    return folder


def compiled(folder, text):
    (folder / "document.tex").write_text(text)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "document.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-1500:]
    return (folder / "document.log").read_text(errors="replace")


def overfull(log):
    """The overfull boxes, each with the last file that was read before it."""
    return re.findall(r"\(\./([\w/-]+)\.tex(?:(?!\(\./[\w/-]+\.tex).)*?(Overfull \\[hv]box[^\n]*)", log, re.DOTALL)


@pytest.mark.parametrize("name", CLASSES)
def test_every_table_fits_alone_and_as_a_float(made, name):
    preamble = CLASSES[name]
    own = re.search(r"\{(\w+)\}", preamble)[1]
    if subprocess.run(["kpsewhich", f"{own}.cls"], capture_output=True, check=False).returncode:
        pytest.skip(f"{own}.cls is not installed")
    alone = sorted(file.stem for file in made.glob("tabular/*.tex"))
    assert alone == sorted(re.findall(r"label\{tab:(.*)\}", "".join(file.read_text() for file in made.glob("*.tex"))))
    bodies = [rf"\begin{{table}}\centering\caption{{Own.}}\input{{tabular/{file}}}\end{{table}}" for file in alone]
    text = "".join(f"{body}\\clearpage\n" for body in bodies + [rf"\input{{{file}}}" for file in TABLES])
    packages = r"\usepackage{booktabs,threeparttable}\extrafloats{100}"
    log = compiled(made, f"{preamble}{packages}{BEGIN}\n{text}\\end{{document}}\n")
    assert overfull(log) == []
    assert "Overfull" not in log
    assert "Float too large" not in log


@pytest.mark.parametrize("name", ["CVPR", "IEEEtran", "acmart"])
def test_figures_fit_a_column_or_a_page(name, tmp_path):
    """CVPR's style file sets a text of 6.875 inches, with 0.3125 between the columns."""
    cvpr = r"\documentclass[twocolumn]{article}\usepackage[textwidth=6.875in,columnsep=0.3125in]{geometry}"
    rules = [
        rf"\begin{{figure{star}}}\rule{{{width}in}}{{1pt}}\end{{figure{star}}}"
        for star, width in (("", panels.COLUMN), ("*", panels.PAGE))
    ]
    log = compiled(tmp_path, f"{CLASSES.get(name, cvpr)}{BEGIN}{''.join(rules)}x\\end{{document}}")
    assert "Overfull" not in log


WIDE = {"width": 4.2, "size": 8}


@pytest.mark.parametrize("own", [{}, WIDE], ids=["default", "4.2 inches, 8 pt"])
def test_no_tabular_is_wider_than_its_layout_and_each_states_its_width(shipped, tmp_path, own):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(shipped.layout, "tables", dict.fromkeys(("accuracy", "cost"), {"height": SLIDE} | own))
        write(shipped, tmp_path, ["accuracy", "cost"])
    files = sorted(tmp_path.glob("tabular/*.tex"))
    text = "".join(rf"\setbox0\hbox{{\input{{tabular/{file.stem}}}}}\typeout{{W=\the\wd0}}" for file in files)
    packages = r"\usepackage{booktabs}\begin{document}"
    log = compiled(tmp_path, rf"\documentclass{{article}}{packages}{text}\end{{document}}")
    measured = [float(found) / widths.INCH for found in re.findall(r"W=([\d.]+)pt", log)]
    stated = [float(re.search(r"% ([\d.]+) inches wide", file.read_text())[1]) for file in files]
    assert len(measured) == len(files) > 10
    assert max(measured) <= own.get("width", 3.25)
    assert all(true - 0.005 <= said <= true + 0.06 for said, true in zip(stated, measured, strict=True))


def test_a_tabular_alone_needs_only_booktabs(made):
    text = "\n\n".join(rf"\input{{tabular/{file.stem}}}" for file in sorted(made.glob("tabular/*.tex")))
    compiled(made, rf"\documentclass{{article}}\usepackage{{booktabs}}\begin{{document}}{text}\end{{document}}")


def test_tables_for_slides_fit_a_frame(made):
    alone = sorted(file.stem for file in made.glob("slides/tabular/*.tex"))
    assert len(alone) > len(list(made.glob("tabular/*.tex")))
    table = r"\begin{table}\centering\caption{Own.}\input{slides/tabular/%s}\end{table}"
    frames = [rf"\begin{{frame}}{table % file}\end{{frame}}" for file in alone]
    frames += [rf"\begin{{frame}}[shrink]\input{{{name}}}\end{{frame}}" for name in TABLES]  # with their long notes
    packages = r"\usepackage{booktabs,threeparttable}\begin{document}"
    text = "\n".join(frames)
    log = compiled(made, rf"\documentclass{{beamer}}{packages}{text}\end{{document}}")
    assert overfull(log) == []
    assert "Overfull" not in log


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        ("FDHT-LSTM (authors' recipe)", "FDHT-LSTM (authors' recipe)"),
        (r"59\,244\,544", "59\u202f244\u202f544"),
        (r"100.0$\pm$12.9", "100.0 ± 12.9"),
        (r"[$-$100.0, +45.6]", "[−100.0, +45.6]"),
        (r"$\geq$ 95 \%", "≥ 95 %"),
        ("best test epoch", "best test epoch"),
    ],
)
def test_widths_are_those_that_tex_measures(tmp_path, tex, text):
    body = rf"\setbox0\hbox{{{tex}}}\typeout{{W=\the\wd0}}"
    log = compiled(tmp_path, rf"\documentclass{{article}}\begin{{document}}{body}\end{{document}}")
    measured = float(re.search(r"W=([\d.]+)pt", log)[1]) / 10.00002  # an em of cmr10
    assert measured - 0.02 <= widths.width(text) <= 1.05 * measured
