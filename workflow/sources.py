"""Which files of this project a step runs: the import graph, read without running anything.

Snakemake sees that a rule's command changed, not that the code behind it did. Rules therefore declare the
sources they use as inputs; with the import graph a change of one format marks its own runs and no others. The
thousands of runs share one listing a format (`python -m workflow.sources MODULE ...`), since the time that
Snakemake takes grows with the number of inputs.
"""

import ast
import hashlib
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("fdht", "baselines", "workflow")


def sources(*modules: str) -> list[str]:
    """Files, relative to the project, of `modules` and of everything of ours that they import, sorted."""
    found: set[Path] = set()
    waiting = [path for module in modules for path in _files(module, required=True)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imports(path)
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


@cache
def _imports(path: Path) -> tuple[Path, ...]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(), filename=str(path))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:  # relative: one dot is the package that the file lies in
                package = path.relative_to(ROOT).parts[: -node.level]
                base = ".".join([*package, *([base] if base else [])])
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return tuple(file for name in names for file in _files(name))


def _files(module: str, required: bool = False) -> list[Path]:
    """The file of a module and the __init__.py of each package above it; nothing for modules of others."""
    parts = module.split(".")
    if parts[0] not in PACKAGES:
        return []
    place = ROOT.joinpath(*parts)
    candidates = [place / "__init__.py", place.with_suffix(".py")]
    packages = [ROOT.joinpath(*parts[:depth], "__init__.py") for depth in range(1, len(parts))]
    files = [path for path in [*packages, *candidates] if path.is_file()]
    if required and not any(path.is_file() for path in candidates):
        raise ModuleNotFoundError(f"{module!r} is no module of this project")
    return files


def listing(*modules: str) -> str:
    """A line per file of `sources(*modules)`: sha256 and name, as sha256sum writes them."""
    names = sources(*modules)
    return "".join(f"{hashlib.sha256((ROOT / name).read_bytes()).hexdigest()}  {name}\n" for name in names)


if __name__ == "__main__":
    print(listing(*sys.argv[1:]), end="")
