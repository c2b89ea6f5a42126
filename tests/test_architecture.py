"""The rooms of docs/architecture.md: an import only ever points down, and no file grows out of a reader's hands."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Each room may import itself and the rooms after it.
ROOMS = (
    "workflow.commands",
    "workflow.reporting",
    "workflow.training",
    "workflow.experiments",
    "workflow.datasets",
    "workflow.storage",
    "baselines",
    "fdht",
)
LONGEST = 250  # lines


def room(module: str) -> str | None:
    return next((name for name in ROOMS if module == name or module.startswith(f"{name}.")), None)


def files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    found = [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()] or list(ROOT.glob("*/**/*.py"))
    return sorted(path for path in found if path.relative_to(ROOT).parts[0] in ("workflow", "baselines", "fdht"))


def imports(path: Path) -> list[str]:
    """Every module that a file imports, at its top or within a function."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import, which nothing follows; write the whole name"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


@pytest.mark.parametrize("name", ROOMS)
def test_imports_point_down(name):
    upward = []
    for path in files():
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if room(module) != name:
            continue
        above = ROOMS[: ROOMS.index(name)]
        upward += [f"{path.relative_to(ROOT)} imports {other}" for other in imports(path) if room(other) in above]
    assert not upward


def test_a_method_is_usable_alone():
    ours = {"workflow", "baselines", "benchmarks"}
    for path in (ROOT / "fdht").rglob("*.py"):
        assert not ours & {module.split(".")[0] for module in imports(path)}, path


def test_no_file_is_longer_than_a_reader_can_hold():
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in files()
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}
