"""The pages of docs/, README and CONTRIBUTING name files and links that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "config/README.md", "benchmarks/README.md")
ROOMS = ("baselines", "benchmarks", "config", "docs", "fdht", "paper", "profiles", "tests", "workflow")


def pages() -> list[Path]:
    return [ROOT / name for name in PAGES] + sorted((ROOT / "docs").glob("*.md")) + sorted(ROOT.glob("fdht/**/*.md"))


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#\s]+)\)", text)
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("name", ["architecture.md", "extending.md"])
def test_named_files_exist(name):
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    named = {word for word in re.findall(r"`([\w./-]+/[\w./-]*\.\w+)`", text) if word.split("/")[0] in ROOMS}
    assert named
    assert not [word for word in named if not (ROOT / word).exists()]
