"""The code of a step: the files of its import graph, read without running anything, and the pins of their packages.

Snakemake notices a change of a rule's command, but not of the code behind it. The digest of that code therefore belongs
to the parameters of a rule, and to the record of a run. An edit of one format makes only its own runs outdated, and a
new pin only what imports that package. Comments, docstrings and formatting do not count.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTED = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef
PACKAGES = ("fdht", "baselines", "workflow")
DISTRIBUTIONS = {  # import name -> name in requirements.txt, where they differ
    "cv2": "opencv-python-headless",
    "sklearn": "scikit-learn",
    "unrar": "unrar2-cffi",
    "yaml": "pyyaml",
}


def sources(*modules: str) -> list[str]:
    """Return the files of `modules` and of all our modules that they import, relative to the project and sorted.

    A .yaml file with the name of a module holds that module's data and is listed too, but for the catalogue: its
    entries are parameters of the rules, each for its own data set.
    """
    for module in modules:
        place = ROOT.joinpath(*module.split("."))
        if not {place / "__init__.py", place.with_suffix(".py")} & set(_files(module)):
            raise ModuleNotFoundError(f"{module!r} is not a module of this project")
    found: set[Path] = set()
    waiting = list(modules)
    while waiting:
        for path in _files(waiting.pop()):
            if path not in found:
                found.add(path)
                waiting += _imported(path)
    data = {path.with_suffix(".yaml") for path in found if path.stem != "catalogue"}
    found |= {path for path in data if path.is_file()}
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


@cache
def _files(module: str) -> list[Path]:
    """Return the file of a module and the __init__.py of each package above it; nothing if it is not ours."""
    parts = module.split(".")
    if parts[0] not in PACKAGES:
        return []
    places = [ROOT.joinpath(*parts[: depth + 1]) for depth in range(len(parts))]
    candidates = [place / "__init__.py" for place in places] + [places[-1].with_suffix(".py")]
    return [path for path in candidates if path.is_file()]


@cache
def _imported(path: Path) -> list[str]:
    """Return the names of all modules that a file imports anywhere, ours and others."""
    names = []
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:  # a test forbids relative imports
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def pins(*modules: str) -> list[str]:
    """Return the lines of requirements.txt for the packages that `sources(*modules)` import, sorted."""
    files = [ROOT / source for source in sources(*modules) if source.endswith(".py")]
    names = {name.split(".")[0] for file in files for name in _imported(file)}
    distributions = {_canonical(DISTRIBUTIONS.get(name, name)) for name in names}
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return sorted(line for line in lines if _canonical(line.partition("==")[0]) in distributions)


def _canonical(name: str) -> str:
    """Return the name of a distribution in the spelling of PEP 503."""
    return name.lower().replace("_", "-")


@cache
def digest(*modules: str) -> str:
    """Return the sha256 of the code of `sources(*modules)` and of their pins."""
    files = [f"{_digest(ROOT / name)}  {name}" for name in sources(*modules)]
    return hashlib.sha256("".join(f"{line}\n" for line in [*files, *pins(*modules)]).encode()).hexdigest()


@cache
def _digest(path: Path) -> str:
    """Return the sha256 of a file's code without comments, docstrings and formatting, or of its data."""
    if path.suffix != ".py":
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return hashlib.sha256(ast.unparse(_tree(path)).encode()).hexdigest()


@cache
def _tree(path: Path) -> ast.Module:
    """Return a file's syntax tree without docstrings."""
    tree = ast.parse(path.read_text(), filename=str(path))
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree
