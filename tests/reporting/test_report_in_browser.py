"""report.html in a real browser, as a reader uses it."""

import html
import json
import re
import shutil
import subprocess

import pytest
from synthetic_records import HOSTILE, record, write_run

from workflow.reporting.report import page as report
from workflow.reporting.results import gather

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")]

# The page is opened from file:// in a frame of some width. A script of the test at its end uses it as a reader would
# and posts what it saw to the page around the frame; errors on the way end up in the same place.
AROUND = """<body data-seen=""><iframe src="page.htmlFRAGMENT" style="width: WIDTHpx; height: 900px"></iframe>
<script>onmessage = (event) => { document.body.dataset.seen = event.data; };</script></body>"""
PROBE = """<body><script>
window.seen = { errors: [] };
for (const name of ["error", "unhandledrejection"])
  addEventListener(name, (event) => seen.errors.push(event.message ?? String(event.reason)));
</script>"""
END = """<script type="module">
const $ = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const until = async (found) => {
  for (let tries = 0; tries < 500 && !found(); tries++) await new Promise((resolve) => setTimeout(resolve, 20));
};
const type = (text) => new Promise((drawn) => {
  new MutationObserver(drawn).observe($("#found"), { childList: true }); // written again after each search
  $("#search").value = text;
  $("#search").dispatchEvent(new Event("input"));
});
const shown = () => all("#runs-table tbody button.open").length;
try {
  await until(() => document.body.dataset.ready);
SCRIPT
} catch (error) { seen.errors.push(String(error)); }
seen.beyond = document.documentElement.scrollWidth - document.documentElement.clientWidth;
parent.postMessage(JSON.stringify(seen), "*");
</script></body>"""


def in_browser(page, folder, script, width=1200, fragment=""):
    """Open `page` in a headless browser, run `script` in it and return the object `seen` that it filled."""
    text = page.replace("<body>", PROBE, 1)
    (folder / "page.html").write_text(text.replace("</body>", END.replace("SCRIPT", script)))
    (folder / "around.html").write_text(AROUND.replace("FRAGMENT", fragment).replace("WIDTH", str(width)))
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    command += ["--enable-logging=stderr", "--window-size=1400,900", "--virtual-time-budget=60000", "--dump-dom"]
    command += [f"--user-data-dir={folder / 'profile'}", f"file://{folder / 'around.html'}"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=600, check=True)
    assert "CONSOLE" not in done.stderr, [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    seen = json.loads(html.unescape(re.search(r'data-seen="([^"]*)"', done.stdout).group(1)))
    assert seen["errors"] == []
    assert seen["beyond"] == 0
    return seen


def test_a_reader_finds_sorts_opens_overlays_and_saves_runs(page, few, tmp_path):
    script = """
  // a link has opened its run
  seen.linked = shown();
  await until(() => $(".detail .js-plotly-plot .legend"));
  seen.lines = all(".detail .scatterlayer .trace").length;
  seen.text = $(".detail").textContent;
  seen.links = all(".detail a").map((link) => link.getAttribute("href"));
  const button = $("button.open");
  seen.expanded = [button.getAttribute("aria-expanded"), button.type];
  // search: stored names, printed names, everything
  seen.found = [];
  for (const text of ["fdht_lstm random", "FDHT-LSTM random", "Nearest neighbour", "no such model", ""]) {
    await type(text);
    seen.found.push([shown(), $("#found").textContent]);
  }
  // sorting keeps what is open
  $("#runs-table th.share .dt-column-order").click();
  await until(() => $("#runs-table th[aria-sort]"));
  seen.sorted = all("#runs-table tr.ok").map((row) => Number(row.cells[9].textContent));
  seen.open = all("#runs-table .detail").length;
  // a filter by model, by keyboard: an entry has the focus and is chosen with the space bar
  const panes = all(".dtsp-searchPane:not(.dtsp-hidden)");
  seen.panes = panes.map((pane) => pane.querySelector("input").placeholder);
  seen.entries = [...panes[2].querySelectorAll("tbody tr")].map((row) => row.tabIndex);
  panes[2].querySelector("tbody tr").focus();
  document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { keyCode: 32, bubbles: true }));
  await until(() => shown() < 12);
  seen.filtered = all("#runs-table tr.ok").map((row) => row.cells[4].textContent);
  $(".dtsp-clearAll").click();
  await until(() => shown() === 12);
  // two ticked runs in one chart, and in a file
  const boxes = all("#runs-table tbody input[type=checkbox]");
  seen.labels = boxes.every((box) => box.getAttribute("aria-label"));
  await type("FDHT-LSTM random");
  all("#runs-table tbody input[type=checkbox]").slice(0, 2).forEach((box) => box.click());
  await until(() => all("#overlay-chart .scatterlayer .trace").length === 2);
  seen.legend = all("#overlay-chart .legendtext").map((text) => text.textContent);
  seen.drawn = $("#drawn").textContent;
  seen.y = $("#overlay-chart").data.map((trace) => trace.y.at(-1));
  seen.tools = all("#overlay-chart .modebar-btn").map((button) => button.dataset.title);
  let saved;
  URL.createObjectURL = (blob) => { saved = blob; return "#"; };
  $(".buttons-csv").click();
  await until(() => saved);
  seen.csv = await saved.text();
  // columns can be added
  seen.heads = all("#runs-table thead th").length;
  $(".buttons-colvis").click();
  await until(() => $(".buttons-columnVisibility"));
  all(".buttons-columnVisibility").find((button) => button.textContent === "family").click();
  seen.added = all("#runs-table thead th").length - seen.heads;
  // another table sorts within its blocks
  const table = $("#accuracy-demo-pixels");
  const column = () => [...table.tBodies].map((body) => [...body.rows].slice(1).map((row) => row.cells[3].textContent));
  const sorter = table.tHead.rows[0].cells[3].querySelector("button");
  sorter.click(); seen.up = column(); seen.sort = sorter.closest("th").getAttribute("aria-sort");
  sorter.click(); seen.down = column();
  // for assistive technology
  seen.first = $("a, button, input").getAttribute("href");
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true, cancelable: true }));
  seen.focus = document.activeElement.id;
  seen.unscoped = all(".sortable th:not([scope])").length;
  seen.unnamed = all("button, select, input").filter((item) => !item.closest("[hidden]") && !(item.textContent.trim()
    || item.ariaLabel || item.title || item.labels?.length || item.placeholder)).map((item) => item.outerHTML);
  seen.png = $("a.png").href.slice(0, 15);
    """
    seen = in_browser(page, tmp_path, script, fragment="#runs/demo/pixels/fdht_lstm/group/fold0/seed1")
    assert (seen["linked"], seen["lines"], seen["expanded"]) == (1, 3, ["true", "button"])
    assert "fully_decomposed" in seen["text"]
    assert "FDHT-LSTM" in seen["text"]
    assert len(seen["links"]) == 5
    assert all((few / link).is_file() for link in seen["links"])
    assert seen["found"] == [[n, f"{n} of 12 runs"] for n in (2, 2, 4, 0, 12)]
    assert len(seen["sorted"]) == 12
    assert seen["sorted"] == sorted(seen["sorted"])
    assert seen["open"] == 1
    assert seen["panes"] == ["Data set", "Front end", "Model", "Protocol", "State"]
    assert set(seen["entries"]) == {0}
    assert seen["filtered"] == ["FDHT-LSTM"] * 4
    assert seen["labels"]
    assert seen["drawn"] == "demo (generated), pixels, FDHT-LSTM, random, fold 0."
    assert "Zoom" in seen["tools"]
    assert not any("share" in title.lower() or "cloud" in title.lower() for title in seen["tools"])  # they upload
    assert seen["legend"] == ["seed 0", "seed 1"]
    runs = [
        json.loads((few / f"runs/demo/pixels/fdht_lstm/random/fold0/seed{n}/result.json").read_text()) for n in (0, 1)
    ]
    saved = [line.split(",") for line in seen["csv"].replace('"', "").splitlines()]
    assert [line[:6] for line in saved[1:]] == [["demo", "pixels", "fdht_lstm", "random", "0", n] for n in "01"]
    place = saved[0].index("test_accuracy")
    assert [float(line[place]) for line in saved[1:]] == [run["test_accuracy"] for run in runs]
    assert seen["added"] == 1
    assert seen["sort"] == "ascending"
    for up, down in zip(seen["up"], seen["down"], strict=True):
        values = [float(text.split()[0]) for text in up]
        assert values == sorted(values)
        assert down == up[::-1]
    assert (seen["first"], seen["focus"]) == ("#search", "search")
    assert (seen["unscoped"], seen["unnamed"]) == (0, [])
    assert seen["png"] == "data:image/png;"


def test_the_page_fits_a_phone(page, tmp_path):
    script = """
  $("#runs-table tbody input[type=checkbox]").click();
  await until(() => $("#overlay-chart .legend") && $(".detail .legend"));
  seen.viewport = $("meta[name=viewport]").content;
  seen.wide = all("header, main > section, .note, figure, table, .js-plotly-plot, .detail > *")
    .filter((item) => !item.closest(".scroll, .dt-layout-table > .dt-layout-cell > table"))
    .filter((item) => item.getBoundingClientRect().right > 391).map((item) => `${item.tagName} ${item.className}`);
  seen.titles = all(":is(caption, .block th) span").map((title) => title.getBoundingClientRect().right);
  seen.size = parseFloat(getComputedStyle(document.body).fontSize);
    """
    seen = in_browser(page, tmp_path, script, width=390, fragment="#runs/demo/pixels/fdht_lstm/group/fold0/seed1")
    assert seen["viewport"] == "width=device-width, initial-scale=1"
    assert seen["wide"] == []
    assert 0 < max(seen["titles"]) <= 391, "of tables that scroll"
    assert seen["size"] >= 16


def test_a_page_with_bad_and_hostile_records_works(damaged, tmp_path, without_figures):
    root = shutil.copytree(damaged, tmp_path / "records")
    broken = record(status="failed", failure=HOSTILE, test_accuracy=None, best_epoch_accuracy=None)
    write_run(root, broken)
    script = 'all("button.open").forEach((button) => button.click()); seen.title = document.title; seen.rows = shown();'
    script += 'seen.text = all(".detail").map((box) => box.textContent).join();'
    seen = in_browser(report.page(gather(root), without_figures), tmp_path, script)
    assert seen["title"].startswith("FDHT-LSTM reproduction")
    assert seen["rows"] == len(list(root.rglob("result.json")))
    assert HOSTILE in seen["text"]


def test_a_share_of_siblings_is_found_as_it_is_printed(tmp_path, without_figures):
    for protocol in ("siblings_0", "siblings_25", "siblings_50", "random"):
        write_run(tmp_path / "records", record("ht_lstm", protocol, seed=50))
    script = """
  seen.found = [];
  for (const text of ["siblings 50 %", "50% ht", '"siblings 0 %"', "siblings 0 %", "siblings_25", "siblings"]) {
    await type(text);
    seen.found.push(all("#runs-table tr.ok").map((row) => row.textContent.match(/siblings \\d+|random/)[0]).join());
  }
    """
    seen = in_browser(report.page(gather(tmp_path / "records"), without_figures), tmp_path, script)
    every = "siblings 0,siblings 25,siblings 50"
    assert seen["found"] == ["siblings 50", "siblings 50", "siblings 0", "siblings 0", "siblings 25", every]
