"""The pages of docs/, README and CONTRIBUTING name files, headings, commands and options that exist; examples run."""

import contextlib
import io
import re
from pathlib import Path

import pytest
from markdown.extensions.toc import slugify

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "config/README.md", "benchmarks/README.md")
ROOMS = ("baselines", "benchmarks", "config", "docs", "fdht", "paper", "profiles", "tests", "workflow")
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)


def pages() -> list[Path]:
    return [ROOT / name for name in PAGES] + sorted((ROOT / "docs").glob("*.md")) + sorted(ROOT.glob("fdht/**/*.md"))


def with_examples() -> list[Path]:
    """The pages with blocks of Python; test_extending.py tries those of extending.md."""
    return [page for page in pages() if "\n```python\n" in page.read_text("utf-8") and page.name != "extending.md"]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


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


@pytest.mark.parametrize("name", ["architecture.md", "extending.md"])
def test_named_files_exist(name):
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    named = {word for word in re.findall(r"`([\w./-]+/[\w./-]*\.\w+)`", text) if word.split("/")[0] in ROOMS}
    assert named
    assert not [word for word in named if not (ROOT / word).exists()]


@pytest.mark.parametrize("page", with_examples(), ids=name)
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
