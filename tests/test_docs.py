"""The pages of docs/, README and CONTRIBUTING name files, headings, commands and options that exist; examples run."""

import contextlib
import doctest
import io
import os
import re
import shlex
import shutil
import subprocess
from html.parser import HTMLParser
from importlib import import_module
from itertools import dropwhile
from pathlib import Path

import pytest
import typer
from markdown.extensions.toc import slugify
from snakemake.cli import get_argument_parser

import fdht
from workflow.commands import __main__ as commands
from workflow.commands import docs, pipeline
from workflow.reporting import layout
from workflow.storage.command_line import call

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "config/README.md", "benchmarks/README.md")
HISTORY = "CHANGELOG.md"  # which also names what is gone
ROOMS = ("baselines", "benchmarks", "config", "docs", "fdht", "paper", "profiles", "tests", "workflow")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
EXAMPLES = {"CONFIG": "demo", "mine.yaml": "config/demo.yaml"}  # a configuration that exists, for one of the reader's
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)


def pages() -> list[Path]:
    return [ROOT / name for name in PAGES] + sorted((ROOT / "docs").glob("*.md")) + sorted(ROOT.glob("fdht/**/*.md"))


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def with_examples() -> list:
    """The pages with blocks of Python; test_extending.py tries those of extending.md."""
    found = [page for page in pages() if "\n```python\n" in page.read_text("utf-8") and page.name != "extending.md"]
    slow = ("small_devices.md",)
    return [pytest.param(page, marks=[pytest.mark.slow] * (page.name in slow), id=name(page)) for page in found]


def anchors(page: Path) -> set[str]:
    text = BLOCK.sub("", page.read_text("utf-8"))
    return {slugify(heading.replace("`", ""), "-") for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


@pytest.mark.parametrize("page", pages(), ids=name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)\s]+)\)", BLOCK.sub("", page.read_text("utf-8")))
    missing = []
    for link in links:
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if "://" not in link and not (target.exists() and (not anchor or anchor in anchors(target))):
            missing.append(link)
    assert not missing


def named_files(page: Path) -> set[str]:
    words = re.findall(r"`([\w./-]+/[\w./-]*\.\w+)`", page.read_text("utf-8"))
    return {word for word in words if word.split("/")[0] in ROOMS}


@pytest.mark.parametrize("page", [page for page in pages() if named_files(page) and page.name != HISTORY], ids=name)
def test_named_files_exist(page):
    assert not [word for word in named_files(page) if not (ROOT / word).exists()]


@pytest.mark.parametrize("page", with_examples())
def test_examples_run_and_print_what_is_shown(page, tmp_path, monkeypatch):
    """Blocks of Python run from top to bottom, one after the other; a block of text after one is what it prints."""
    monkeypatch.chdir(tmp_path)
    names, printed = {"__name__": "example"}, ""
    for language, text in [*BLOCK.findall(page.read_text("utf-8")), ("python", "")]:
        if language == "python":
            assert not printed, "the page does not show this output"
            with contextlib.redirect_stdout(io.StringIO()) as output:
                exec(compile(text, name(page), "exec"), names)
            printed = output.getvalue()
        elif language == "text" and printed:
            assert [line.rstrip() for line in printed.splitlines()] == text.splitlines()
            printed = ""


def shown(page: Path) -> list[str]:
    """The command lines of a page: lines of its blocks without a language, and those within a sentence."""
    text = page.read_text("utf-8")
    lines = [line for language, block in BLOCK.findall(text) if not language for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))
    return [line for line in lines if re.match(r"\./reproduce\b|python -m ", line)]


@pytest.fixture
def only_parsed(monkeypatch, root):
    """Commands, and Snakemake in their place, parse their options and do nothing."""

    def snakemake(words):
        get_argument_parser().parse_args(words)
        raise SystemExit(0)

    def invoke(command, context):
        if rest := list(dropwhile(lambda word: not word.startswith("-"), context.params.get("where") or [])):
            snakemake(rest)

    def execute(program, words):
        if words[2] == "benchmarks.speed":
            call(import_module(words[2]).main, words[3:])
        raise SystemExit(0)

    monkeypatch.chdir(root)
    monkeypatch.setattr(typer.core.TyperCommand, "invoke", invoke)
    for step in ("_hold_lock", "check"):
        monkeypatch.setattr(pipeline, step, lambda *_: None)
    monkeypatch.setattr(pipeline, "run_snakemake", snakemake)
    monkeypatch.setattr(os, "execv", execute)


def status(words: list[str]) -> object:
    """The exit status of ./reproduce."""
    try:
        return commands.main(words)
    except SystemExit as ended:
        return ended.code


@pytest.mark.parametrize("page", [page for page in pages() if shown(page) and page.name != HISTORY], ids=name)
def test_commands_and_options_exist(page, only_parsed):
    for line in shown(page):
        program, *words = shlex.split(line, comments=True)
        if program == "./reproduce":
            assert status([EXAMPLES.get(word, word) for word in words]) == 0, line
        else:  # python -m MODULE OPTIONS
            module, options = import_module(words[1]), words[2:]
            assert not options or call(module.main, options) is None


def test_a_command_that_does_not_exist_is_noticed(only_parsed, capsys):
    for line in ("demmo", "demo traim", "demo list --foldd 1", "demo run --forec", "demo --forec", "tables --form x"):
        assert status(line.split()) != 0, line


def test_layouts_that_are_shown_are_accepted(tmp_path):
    blocks = [block for page in pages() for block in BLOCK.findall(page.read_text("utf-8"))]
    shown = [text for language, text in blocks if language == "yaml" and text.startswith("# mine.yaml\n")]
    assert shown
    for text in shown:
        (tmp_path / "mine.yaml").write_text(text)
        assert layout.load(tmp_path / "mine.yaml") != layout.load()


def test_the_reference_has_every_public_name():
    documented = re.findall(r"^::: fdht\.(\w+)$", (ROOT / "docs" / "api.md").read_text("utf-8"), re.MULTILINE)
    assert set(documented) == set(fdht.__all__) - {"__version__"}


@pytest.mark.parametrize("name", ["FDHTLSTM", "HierarchicalTucker"])
def test_the_examples_of_the_reference_run(name):
    """With what the page says is imported: the names of `fdht`."""
    names = {public: getattr(fdht, public) for public in fdht.__all__}
    (example,) = doctest.DocTestFinder(recurse=False).find(names[name], name, globs=names)
    assert example.examples
    assert doctest.DocTestRunner().run(example).failed == 0


class Loaded(HTMLParser):
    """What a page of the site loads."""

    def __init__(self, text: str):
        super().__init__()
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        of = dict(attributes)
        if tag in ("script", "img", "iframe") and of.get("src"):
            self.loaded.append(of["src"])
        elif tag == "link" and of.get("rel") in ("stylesheet", "icon", "preconnect"):
            self.loaded.append(of["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site; a link without target, a page outside the navigation or any other warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(docs, "SITE", folder)
        docs.main()
    return folder


def test_the_site_needs_no_network(site):
    found = list(site.glob("*.html"))
    assert len(found) > len(list((ROOT / "docs").glob("*.md")))  # 404.html
    for page in found:
        loaded = Loaded(page.read_text("utf-8")).loaded
        assert loaded
        missing = [link for link in loaded if not (site / link.lstrip("/")).is_file()]
        assert not missing, page.name


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
def test_the_search_works_from_a_disk(site, tmp_path):
    """Where a browser starts no worker, docs/site/iframe-worker.js takes its place."""
    url = f"{(site / 'index.html').as_uri()}?q=PackedSequence"
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path}",
        "--virtual-time-budget=60000",
    ]
    done = subprocess.run([str(BROWSER), *options, "--dump-dom", url], capture_output=True, text=True, check=True)
    assert 'layer.html?h=packedsequence#sequences-of-several-lengths" class="md-search-result__link"' in done.stdout
