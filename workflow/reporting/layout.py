"""paper/layout.yaml: names, colours, columns, order and precision of what is printed."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml

from workflow.datasets.catalogue import CATALOGUE
from workflow.datasets.front_ends import FRONT_ENDS
from workflow.reporting.files import ReportingError

T = TypeVar("T")
FILE = Path(__file__).resolve().parents[2] / "paper" / "layout.yaml"
TABLES = Path(__file__).parent / "tables"
KEYS = (
    *("models", "recipes", "variants", "datasets", "front_ends", "protocols"),
    *("tolerance", "significance", "confusion", "tables"),
)
MODEL_KEYS = ("label", "colour", "marker", "kind")
TABLE_KEYS = ("columns", "digits")


class LayoutError(ReportingError):
    """A layout that cannot be followed. The message names file, key, value and expectation."""


def load(path: str | Path | None = None) -> dict[str, Any]:
    """Return the layout of `path`, laid key by key over paper/layout.yaml."""
    default = _read(FILE)
    if path is None or Path(path).resolve() == FILE:
        return default
    merged = _merged(default, _read(Path(path)))
    for name, entry in merged["models"].items():
        for key in ("label", "colour", "kind"):
            if key not in entry:
                raise LayoutError(f"{path}: models.{name}.{key}: missing; a model that is not in {FILE.name} needs it")
    return merged


def _merged(default: Any, own: Any) -> Any:
    if isinstance(default, dict) and isinstance(own, dict):
        return {**default, **{key: _merged(default.get(key), value) for key, value in own.items()}}
    return own


def _read(path: Path) -> dict[str, Any]:
    try:
        layout = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise LayoutError(f"{path}: no such layout") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LayoutError(f"{path}: not valid YAML: {error}") from None
    _check(path, "", layout, KEYS)
    _check(path, "tables.", layout.get("tables", {}), [file.stem for file in TABLES.glob("[!_]*.py")])
    for group, known in (("models", MODEL_KEYS), ("tables", TABLE_KEYS)):
        for name, entry in layout.get(group, {}).items():
            _check(path, f"{group}.{name}.", entry, known)
    return layout


def _check(path: Path, prefix: str, given: Any, known: Iterable[str]) -> None:
    if not isinstance(given, dict):
        raise LayoutError(f"{path}: {prefix}{given!r}: expected keys ({', '.join(sorted(known))})")
    for key in given:
        if key not in known:
            raise LayoutError(f"{path}: {prefix}{key}: unknown key; {_hint(key, known)}")


def _hint(key: Any, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(key), list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"


def choose(layout: dict[str, Any], table: str, known: dict[str, T]) -> list[T]:
    """Return the columns of a table that the layout wants, in its order. Raise LayoutError for an unknown one."""
    entry = layout["tables"].get(table, {})
    wanted = entry.get("columns", list(known))
    for option, names in (("columns", wanted), ("digits", entry.get("digits", {}))):
        for name in names:
            if name not in known:
                raise LayoutError(f"tables.{table}.{option}: {name!r} is no column; known: {', '.join(known)}")
    return [known[name] for name in wanted]


def digits(layout: dict[str, Any], table: str, column: str, default: int) -> int:
    """Return the decimals of a column."""
    return layout["tables"].get(table, {}).get("digits", {}).get(column, default)


def dataset_label(layout: dict[str, Any], dataset: str) -> str:
    """Return the name of a data set in print; one that the layout does not name has its title of the catalogue."""
    return layout["datasets"].get(dataset, CATALOGUE[dataset].title if dataset in CATALOGUE else dataset)


def data_label(layout: dict[str, Any], dataset: str, front_end: str) -> str:
    """Return the name of a data set with its front end in print; a front end without a name there has its own title."""
    known = FRONT_ENDS.get(front_end)
    label = layout["front_ends"].get(front_end, known.title if known else front_end)
    return f"{dataset_label(layout, dataset)}, {label}"
