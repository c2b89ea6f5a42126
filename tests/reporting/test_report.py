"""report.html: complete, self-contained, safe, and alive in a real browser."""

import html
import json
import re
import shutil
import subprocess

import pytest
from synthetic_records import record, write_run

from workflow.reporting import captions
from workflow.reporting.report import page as report
from workflow.reporting.results import gather
from workflow.storage.command_line import call
from workflow.storage.errors import InputError

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HOSTILE = '</script><script>document.title="broken"</script><img src=x onerror=alert(1)> & "quotes"'


def embedded(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL).group(1))


@pytest.fixture(scope="module")
def page(few, drawings):
    return report.page(gather(few), drawings)


@pytest.fixture
def without_figures(tmp_path):
    """A folder of figures without one."""
    captions.write(tmp_path / "figures", {})
    return tmp_path / "figures"


def test_every_run_is_on_the_page_with_curve_specification_and_environment(page, few):
    data = embedded(page)
    assert len(data["runs"]) == 12
    run = next(run for run in data["runs"] if run["model"] == "fdht_lstm")
    assert run["record"] == "runs/demo/pixels/fdht_lstm/group/fold0/seed0/result.json"
    assert run["curve"]["epoch"][-1] == 20
    assert "fully_decomposed" in data["specification"][run["specification"]]
    assert "synthetic" in data["environment"][run["environment"]]


def test_equal_parts_are_stored_once(page):
    data = embedded(page)
    assert (len(data["specification"]), len(data["environment"])) == (3, 1)


def test_nothing_is_loaded_from_elsewhere(page):
    outside = re.findall(r"""(?:src|href)\s*=\s*["'](?!data:|#)([^"']*)""", page.split("<script>")[0])
    assert outside == []
    assert "@import" not in page
    assert "url(" not in page
    assert "fetch(" not in page


def test_a_cell_without_runs_is_no_link(tmp_path, without_figures):
    for model, protocol in (("tt_lstm", "random"), ("fdht_lstm", "group"), ("ht_lstm", "group")):
        write_run(tmp_path, record(model, protocol, dataset="ucf11"))
    page = report.page(gather(tmp_path), without_figures)
    paths = [f"/{run['path']}/" for run in embedded(page)["runs"]]
    links = set(re.findall(r'href="#runs/([^"]+)"', page))
    assert {"ucf11/pixels/tt_lstm/random", "ucf11/pixels/fdht_lstm/group"} <= links
    assert [link for link in links if not any(f"/{link}/" in path for path in paths)] == []


def test_numbers_lead_to_their_runs(page):
    links = set(re.findall(r'href="#runs/([^"]+)"', page))
    assert "demo/pixels/fdht_lstm/group" in links
    places = {"/".join(run["record"].split("/")[1:-1]) for run in embedded(page)["runs"]}
    assert all(any(f"{place}/".startswith(f"{link}/") for place in places) for link in links)


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


def test_a_figure_with_nothing_to_show_is_named_with_the_reason(page):
    assert 'id="figure-factors">Protocol, recipe, or format</h3>\n<p class="note">No format was run with both' in page
    assert 'id="figure-leakage">What the random protocol adds</h3>\n<figure>' in page


def test_a_damaged_figure_and_missing_figures_are_errors_that_name_the_remedy(few, drawings, tmp_path):
    with pytest.raises(InputError, match=r"none.captions\.json: no such file; the step before this one writes it"):
        report.page(gather(few), tmp_path / "none")
    folder = shutil.copytree(drawings, tmp_path / "figures")
    (folder / "leakage.png").write_bytes(b"half")
    with pytest.raises(InputError, match=r"leakage\.png is corrupt: .*; delete .*captions\.json and rerun"):
        report.page(gather(few), folder)


def test_links_to_files_lead_from_the_page_to_the_records(few, without_figures):
    command = ["--from", few, "--figures", without_figures]
    call(report.main, [*command, "--output", few / "report.html"])
    assert embedded((few / "report.html").read_text())["prefix"] == ""
    call(report.main, [*command, "--output", few.parent / "elsewhere" / "report.html"])
    assert embedded((few.parent / "elsewhere" / "report.html").read_text())["prefix"] == f"../{few.name}/"


# The page is opened from file:// with a script of the test at its end, which uses it as a reader would and writes
# what it saw into an attribute of the body; an error on the way ends up in the same place.
PROBE = """
<script>
window.seen = {};
document.body.dataset.errors = "";
window.addEventListener("error", (event) => { document.body.dataset.errors += event.message + ";"; });
</script>
"""


def in_browser(page, folder, script, width=1200, fragment=""):
    """Open `page` in a headless browser, run `script` in it and return the object `seen` that it filled."""
    text = page.replace("<body>", "<body>" + PROBE, 1)
    end = "<script>(() => {" + script + "; document.body.dataset.seen = JSON.stringify(seen); })();</script></body>"
    (folder / "page.html").write_text(text.replace("</body>", end))
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    command += ["--enable-logging=stderr", f"--window-size={width},900", "--virtual-time-budget=4000", "--dump-dom"]
    command += [f"--user-data-dir={folder / 'profile'}", f"file://{folder / 'page.html'}{fragment}"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=600, check=True)
    assert "CONSOLE" not in done.stderr, [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert 'data-errors=""' in done.stdout
    assert 'data-ready="true"' in done.stdout
    return json.loads(html.unescape(re.search(r'data-seen="([^"]*)"', done.stdout).group(1)))


needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")


@pytest.mark.slow
@needs_browser
def test_a_table_sorts_within_its_blocks(page, tmp_path):
    script = """
    const table = document.getElementById("accuracy-demo-pixels");
    const cells = (body) => [...body.rows].slice(1).map((row) => row.cells[3].textContent);
    const column = () => [...table.tBodies].map(cells);
    const button = table.tHead.rows[0].cells[3].querySelector("button");
    button.click(); seen.up = column(); seen.sort = button.closest("th").getAttribute("aria-sort");
    button.click(); seen.down = column();
    """
    seen = in_browser(page, tmp_path, script)
    assert seen["sort"] == "ascending"
    assert len(seen["up"]) == 2
    for up, down in zip(seen["up"], seen["down"], strict=True):
        values = [float(text.split()[0]) for text in up]
        assert values == sorted(values)
        assert down == up[::-1]


@pytest.mark.slow
@needs_browser
def test_a_link_opens_its_run_with_curve_specification_and_files(page, tmp_path):
    script = """
    seen.rows = document.querySelectorAll("#runs-table tr.run").length;
    const detail = document.querySelector("tr.detail");
    seen.lines = detail.querySelectorAll("svg polyline").length;
    seen.text = detail.textContent;
    seen.links = [...detail.querySelectorAll("a")].map((link) => link.getAttribute("href"));
    const search = document.getElementById("search");
    search.value = "fdht_lstm random"; search.dispatchEvent(new Event("input"));
    seen.filtered = document.querySelectorAll("#runs-table tr.run").length;
    search.value = "FDHT-LSTM random"; search.dispatchEvent(new Event("input"));
    seen.printed = document.querySelectorAll("#runs-table tr.run").length;
    const button = document.querySelector("#runs-table tr.run button");
    button.click(); seen.opened = button.getAttribute("aria-expanded");
    button.click(); seen.closed = button.getAttribute("aria-expanded");
    document.querySelector("#runs-table thead button[data-key=test_accuracy]").click();
    """
    seen = in_browser(page, tmp_path, script, fragment="#runs/demo/pixels/fdht_lstm/group/fold0/seed1")
    assert (seen["rows"], seen["filtered"], seen["printed"], seen["lines"]) == (1, 2, 2, 3)
    assert (seen["opened"], seen["closed"]) == ("true", "false")
    assert "fully_decomposed" in seen["text"]
    assert "runs/demo/pixels/fdht_lstm/group/fold0/seed1/result.json" in seen["links"]


@pytest.mark.slow
@needs_browser
def test_the_page_fits_a_phone(page, tmp_path):
    script = """
    const frame = document.createElement("iframe");
    document.body.dataset.phone = "";
    seen.viewport = document.querySelector("meta[name=viewport]").content;
    document.body.style.width = "390px";
    const wide = [...document.querySelectorAll("header, main > section, .note, figure, table")]
      .filter((item) => !item.closest(".scroll") && item.getBoundingClientRect().right > 392);
    seen.wide = wide.map((item) => item.tagName + " " + item.id);
    seen.size = parseFloat(getComputedStyle(document.body).fontSize);
    """
    seen = in_browser(page, tmp_path, script, width=500)
    assert seen["viewport"] == "width=device-width, initial-scale=1"
    assert seen["wide"] == []
    assert seen["size"] >= 16


@pytest.mark.slow
@needs_browser
def test_a_page_with_bad_and_hostile_records_works(damaged, tmp_path, without_figures):
    write_run(tmp_path, record(status="failed", failure=HOSTILE, test_accuracy=None, best_epoch_accuracy=None))
    open_all = 'document.querySelectorAll("tr.run").forEach((row) => row.click()); seen.title = document.title'
    for root in (tmp_path, damaged):
        seen = in_browser(report.page(gather(root), without_figures), tmp_path, open_all)
        assert seen["title"].startswith("FDHT-LSTM reproduction")
