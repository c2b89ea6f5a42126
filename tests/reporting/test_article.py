"""The article: its numbers, its overviews, its figures, and the archive for arXiv."""

import io
import itertools
import re
import shutil
import subprocess
import tarfile

import pandas as pd
import pytest
from synthetic_records import WEIGHTS, write_grid

from workflow.commands import figures, reference
from workflow.reporting import captions, models
from workflow.reporting.captions import Caption
from workflow.reporting.figures import FIGURES
from workflow.reporting.paper import article as paper
from workflow.reporting.paper import macros, overview
from workflow.reporting.results import gather
from workflow.reporting.tables import TABLES, accuracy, claims, comparison
from workflow.storage.command_line import call

needs_latex = pytest.mark.skipif(shutil.which("latexmk") is None, reason="latexmk is not installed")


def body():
    """The article's source without preamble and comments."""
    text = (paper.SOURCES / "paper.tex").read_text().split(r"\begin{document}")[1]
    return re.sub(r"(?<!\\)%.*", "", text)


def prose():
    """The article's text without mathematics and the names of files, labels and figures."""
    text = re.sub(r"\\begin\{(equation|align)\}.*?\\end\{\1\}", "", body(), flags=re.DOTALL)
    text = re.sub(r"\$[^$]*\$", "", text)
    commands = "input|label|ref|cite|placefigure|see|shown|overview|setlength|bibliography|bibliographystyle"
    return re.sub(rf"\\({commands})\{{[^}}]*\}}(\{{[^}}]*\}})?", "", text)


def test_no_number_is_typed_in_the_article():
    assert re.findall(r"\d", prose().replace(r"\itemsep}{0pt}", "")) == []


def test_every_macro_exists_and_is_used(results):
    source = (paper.SOURCES / "paper.tex").read_text()
    unused = {name for name in macros.values(results) if not re.search(rf"\\{name}(?![A-Za-z])", source)}
    assert unused == set()


def test_every_overview_is_placed_and_referred_to(results):
    placed = re.findall(r"\\overview\{table\*?\}\{(\w+)\}", body())
    assert sorted(placed) == sorted(overview.tables(results))
    assert all(rf"\ref{{tab:overview-{name}}}" in body() for name in placed)


def test_what_the_records_do_not_give_is_not_available(tmp_path):
    values = macros.values(gather(tmp_path))
    assert values["dataSets"] == values["modelsList"] == macros.UNKNOWN
    assert values["recordsFinished"] == "0"


def test_the_data_sets_of_the_records_are_cited(results, shipped):
    assert macros.values(shipped)["dataCitations"] == "ucf"
    assert macros.values(results)["dataCitations"] == ""  # of generated data


def test_a_part_of_a_data_set_is_named_everywhere(results, shipped):
    part = "UCF11 (217 of 1\u202f600 clips, 9 of 11 classes)"
    assert macros.values(shipped)["partialData"] == macros.values(shipped)["dataSets"] == part
    assert all(part in sheet.caption for name in ("accuracy", "splits") for sheet in TABLES[name].printed(shipped))
    drawing = FIGURES["leakage"].drawing(shipped)
    assert drawing.text.endswith(f"Only a part of the data was available: {part}.")
    assert drawing.canvas.axes[0].get_title(loc="left").replace("\n", " ").startswith(part)
    assert results.partial_data == ""


def test_protocols_that_leave_clips_out_count_no_part_of_a_data_set():
    found = gather(reference.RECORDS)
    found.__dict__["successful_records"] = found.successful_records.assign(protocol="siblings_50")
    assert found.available("ucf11") == "a part"


def counted(texts):
    """The sum of the counts in texts such as "holds: 2, fails: 3", none of which may be zero."""
    counts = [int(count) for text in texts for count in re.findall(r": (\d+)", text)]
    assert 0 not in counts
    return sum(counts)


@pytest.mark.parametrize("root", ["synthetic", "damaged"])
def test_every_verdict_and_every_run_is_counted_once(root, request):
    results = gather(request.getfixturevalue(root))
    assert counted(overview.verdicts(results)["Comparisons"]) == len(claims.build(results))
    assert counted(overview.runs(results)["Runs"]) == len(results.successful_records) + len(results.excluded)
    table = comparison.build(results)
    known = table[table["reported"].notna() & (table["protocol"] != "group")]
    counts = known.loc[known["metric"] != "accuracy", ["dataset", "front_end", "metric", "source", "locator"]]
    once = counts.assign(numbers=known["reported"].map(str) + known["reproduced"].map(str)).drop_duplicates()
    expected = (known["metric"] == "accuracy").sum() + len(once)
    assert counted(overview.reported(results).get("Verdicts", [])) == expected


def test_the_reference_counts_the_accuracies_on_a_part_of_the_set(shipped):
    table = overview.reported(shipped).set_index("Metric")
    assert table.loc[overview.METRICS["accuracy"], "Verdicts"] == "part of the set: 14"


def test_the_accuracies_are_those_of_the_table_of_accuracies(results):
    printed = overview.accuracies(results)
    assert [column.heading for column in printed.columns[2:]] == ["demo (generated)\ngroup", "demo (generated)\nrandom"]
    ((front_end, rows),) = printed.blocks
    assert front_end == "pixels"
    table = accuracy.build(results).set_index(["model", "protocol"])
    last = {cell.text for cell in rows[-1]}
    for protocol in ("group", "random"):
        own = table.loc[("fdht_lstm", protocol)]
        mean, std = 100 * own["test_accuracy_mean"], 100 * own["test_accuracy_std"]
        assert f"{mean:.1f} ± {std:.1f}" in last
    assert [row[0].text for row in rows] == [models.label(results, name) for name in WEIGHTS]


def test_without_fdht_there_is_nothing_to_claim(tmp_path):
    write_grid(tmp_path, ("lstm", "ht_lstm"), folds=1, dataset="ucf11", extras=False)
    results = gather(tmp_path)
    assert overview.to_tex(overview.tables(results)["verdicts"]) == "---\n"
    found = macros.found_of(results)
    assert [found[f"found{name}"] for name in ("Weights", "Fewer", "GainRandom", "GainGroup")] == [""] * 4


def test_what_was_found_is_the_range_over_the_rivals(tmp_path):
    write_grid(tmp_path, ("tt_lstm", "ht_lstm", "fdht_lstm"), folds=2, dataset="ucf11", extras=False)
    results = gather(tmp_path)
    table = claims.build(results)
    gains = 100 * table.loc[(table["claim"] == "test_accuracy") & (table["protocol"] == "group"), "found"]
    found = macros.found_of(results)
    assert found["foundWeights"] == "3\u202f648"
    assert found["foundFewer"] == "72 to 73"
    assert found["foundGainGroup"] == f"{gains.min():.1f} to {gains.max():.1f}"


def test_a_value_that_may_be_missing_is_only_in_text_about_it(tmp_path):
    """\\given{\\macro}{text} leaves out the text: the abstract once said "the rivals store  times as many"."""
    missing = [name for name, text in macros.values(gather(tmp_path)).items() if text == ""]
    assert {"foundFewer", "foundWeights", "foundProtocol", "recordsFailed", "partialData"} <= set(missing)
    text = body()
    for name in missing:
        parts = text.split(rf"\given{{\{name}}}{{")
        for later in parts[1:]:
            depths = itertools.accumulate((char == "{") - (char == "}") for char in later)
            parts[0] += later[next(place for place, depth in enumerate(depths) if depth < 0) :]
        assert not re.search(rf"\\{name}(?![A-Za-z])", parts[0]), name


def test_models_and_data_sets_without_a_finished_run_are_not_counted(tmp_path):
    write_grid(tmp_path, ("lstm",), folds=1, extras=False)
    write_grid(tmp_path, ("fdht_lstm",), folds=1, extras=False, status="failed", dataset="ucf11")
    values = macros.values(gather(tmp_path))
    assert (values["modelsCount"], values["dataSets"]) == ("1", "demo (generated)")


def test_overviews_are_escaped():
    text = overview.to_tex(overview.of_text(pd.DataFrame({"a (%)": ["x_1 & 50 % ± 2"]})))
    assert r"a (\%)" in text
    assert r"x\_1 \& 50~\%$\pm$2" in text


def test_columns_of_numbers_end_at_one_line():
    table = pd.DataFrame({"Part": ["a", "b"], "Clips": ["1\u202f148", "60"], "Share": ["100.0", "—"], "Runs": "ok: 2"})
    assert [column.align for column in overview.of_text(table).columns] == ["l", "r", "r", "l"]


def test_figures_are_declared_by_width():
    found = {"cost": Caption("Cost", "Up to 100 %.", "page"), "rank": Caption("Rank", "Ranks.", "column")}
    assert paper.declared(found).splitlines() == [
        r"\drawnfigure{page}{cost}{Up to 100~\%.}",
        r"\drawnfigure{column}{rank}{Ranks.}",
    ]


def test_without_latexmk_one_line_says_so_and_nothing_fails(few, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    call(paper.main, ["--from", few, "--output", tmp_path / "paper.pdf"])
    said = capsys.readouterr().err
    assert said == "paper: latexmk is not installed, so there is no paper.pdf; nothing else needs it\n"
    assert not (tmp_path / "paper.pdf").exists()


@pytest.mark.slow
@needs_latex
def test_the_article_and_its_archive(few, drawings, tmp_path):
    for name in ("one", "two"):
        target = tmp_path / name
        paper.write(gather(few), drawings, target / "p.pdf", target / "a.tar.gz")
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
def test_no_page_of_a_long_article_overflows(shipped, drawings, tmp_path):
    """A table below a page-wide figure once went on below the page."""
    figures = shutil.copytree(drawings, tmp_path / "drawn")
    captions.write(figures, {name: Caption(name, "Long. " * 45, "page") for name in captions.read(drawings)})
    paper.prepare(shipped, figures, tmp_path)
    paper.compile_pdf(tmp_path)
    assert "Overfull" not in (tmp_path / "paper.log").read_text(errors="replace")


@pytest.mark.slow
@needs_latex
def test_the_article_of_no_records_compiles(tmp_path):
    call(figures.main, ["--from", tmp_path, "--output", tmp_path / "figures"])
    call(paper.main, ["--from", tmp_path, "--output", tmp_path / "paper.pdf"])


@needs_latex
def test_an_error_of_latex_is_one_sentence(tmp_path):
    (tmp_path / "paper.tex").write_text("\\documentclass{article}\\begin{document}\\nonsense\\end{document}")
    with pytest.raises(paper.InputError, match="LaTeX failed: ! Undefined control sequence"):
        paper.compile_pdf(tmp_path)
