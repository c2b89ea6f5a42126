"""report.html: complete, self-contained and safe."""

import base64
import gzip
import html
import json
import re
import shutil
from itertools import chain

import pytest
from synthetic_records import HOSTILE, record, write_run

from workflow.reporting import tables
from workflow.reporting.report import page as report
from workflow.reporting.results import gather
from workflow.storage.command_line import call
from workflow.storage.errors import InputError


def unpacked(page, name):
    packed = re.search(f'<script type="text/plain" id="{name}">([^<]*)</script>', page).group(1)
    return gzip.decompress(base64.b64decode(packed))


def embedded(page):
    return json.loads(unpacked(page, "data"))


def test_every_run_is_on_the_page_with_curve_specification_and_environment(page, few):
    data = embedded(page)
    assert len(data["runs"]) == 12
    run = next(run for run in data["runs"] if run["model"] == "fdht_lstm")
    assert run["record"] == "runs/demo/pixels/fdht_lstm/group/fold0/seed0/result.json"
    assert run["curve"]["epoch"][-1] == 20
    assert run["weights"] == run["W"] + run["U"] == 3648
    assert "fully_decomposed" in data["specification"][run["specification"]]
    assert "synthetic" in data["environment"][run["environment"]]


def test_equal_parts_are_stored_once(page):
    data = embedded(page)
    assert (len(data["specification"]), len(data["environment"])) == (3, 1)


def test_every_key_of_a_run_has_a_column(page):
    data = embedded(page)
    columns = {column["key"] for column in data["columns"]}
    assert set(chain.from_iterable(data["runs"])) - columns == {
        *("record", "files", "curve", "specification", "environment")
    }


def test_nothing_is_loaded_from_elsewhere(page):
    own = page.split("<body>")[0] + re.sub(r'<script type="text/plain".*?</script>', "", page.split("<body>")[1])
    outside = re.findall(r"""(?:src|href)\s*=\s*["'](?!data:|#)([^"']*)""", own.split('<script type="module">')[0])
    assert outside == []
    assert "@import" not in own
    assert re.findall(r"url\((?!data:)", own) == []
    assert "fetch(" not in own
    assert "default-src 'none'" in own  # a browser refuses to load what this test may overlook


def test_links_inside_the_page_have_a_target(page):
    places = {run["path"] for run in embedded(page)["runs"]}
    for link in set(re.findall(r'href="#([^"]+)"', page)):
        path = link.removeprefix("runs/")
        found = any(place.startswith(f"/{path}/") for place in places) if path != link else f'id="{link}"' in page
        assert found, link
    assert 'href="#runs/demo/pixels/fdht_lstm/group"' in page


def test_a_cell_without_runs_is_no_link(tmp_path, without_figures):
    for model, protocol in (("tt_lstm", "random"), ("fdht_lstm", "group"), ("ht_lstm", "group")):
        write_run(tmp_path, record(model, protocol, dataset="ucf11"))
    page = report.page(gather(tmp_path), without_figures)
    links = set(re.findall(r'href="#runs/([^"]+)"', page))
    assert {"ucf11/pixels/tt_lstm/random", "ucf11/pixels/fdht_lstm/group"} <= links
    assert "ucf11/pixels/tt_lstm/group" not in links


def test_tables_and_figures_can_be_saved_from_the_page(page, few, drawings, tmp_path):
    saved = dict(re.findall(r'<a download="([^"]+)" href="data:[^;]+;base64,([^"]*)"', page))
    tables.write(gather(few), tmp_path, list(tables.TABLES))
    for name in tables.TABLES:
        assert base64.b64decode(saved[f"{name}.csv"]) == (tmp_path / f"{name}.csv").read_bytes()
        own, written = base64.b64decode(saved[f"{name}.tex"]).decode(), (tmp_path / f"{name}.tex").read_text()
        assert own.replace(report.MODULE, tables.MODULE) == written
    assert base64.b64decode(saved["leakage.pdf"]) == (drawings / "leakage.pdf").read_bytes()


def test_both_accuracies_are_labelled(page):
    text = html.unescape(re.sub(r"<[^>]+>", " ", page))
    for words in ("epoch chosen on validation", "best test epoch (optimistic)"):
        assert words in " ".join(text.split())


def test_a_record_cannot_inject_anything(tmp_path, without_figures):
    broken = record(status="failed", failure=HOSTILE, test_accuracy=None, best_epoch_accuracy=None)
    write_run(tmp_path, broken)
    page = report.page(gather(tmp_path), without_figures)
    assert HOSTILE not in page
    assert "<img src=x" not in page
    assert embedded(page)["runs"][0]["failure"] == HOSTILE


def test_bad_records_are_named_on_top(damaged, without_figures):
    page = report.page(gather(damaged), without_figures)
    assert page.count('class="problem"') == 3
    assert "<b>1</b> failed" in page
    assert "<b>2</b> damaged" in page
    assert "<b>1</b> missing" in page


def test_no_records_make_a_page_that_says_so(tmp_path, without_figures):
    call(report.main, ["--from", tmp_path, "--output", tmp_path / "report.html"])
    assert "No records yet." in (tmp_path / "report.html").read_text()


def test_the_same_records_give_the_same_bytes(few, without_figures):
    assert report.page(gather(few), without_figures) == report.page(gather(few), without_figures)


def test_only_files_that_are_there_are_linked(tmp_path, without_figures):
    write_run(tmp_path, record(), extras=False)
    runs = embedded(report.page(gather(tmp_path), without_figures))["runs"]
    assert [run["files"] for run in runs] == [["result.json"]]


def test_a_figure_with_nothing_to_show_is_not_there(page):
    assert "figure-factors" not in page
    assert 'id="figure-leakage">What the random protocol adds</h3>\n<figure>' in page


def test_a_damaged_figure_and_missing_figures_are_errors_that_name_the_remedy(few, drawings, tmp_path):
    with pytest.raises(InputError, match=r"none.captions\.json: no such file; the step before this one writes it"):
        report.page(gather(few), tmp_path / "none")
    folder = shutil.copytree(drawings, tmp_path / "figures")
    (folder / "leakage.png").write_bytes(b"half")
    with pytest.raises(InputError, match=r"leakage\.png is corrupt: .*; delete .*captions\.json and rerun"):
        report.page(gather(few), folder)


def test_links_to_files_lead_from_the_page_to_the_records(few, without_figures):
    report.write(gather(few), without_figures, few / "report.html")
    assert embedded((few / "report.html").read_text())["prefix"] == ""
    report.write(gather(few), without_figures, few.parent / "elsewhere" / "report.html")
    assert embedded((few.parent / "elsewhere" / "report.html").read_text())["prefix"] == f"../{few.name}/"
