"""paper/layout.yaml: names, colours, columns, rows, order and precision, read and checked."""

import difflib
from pathlib import Path
from typing import Any

import yaml

from workflow.datasets.front_ends import FRONT_ENDS
from workflow.reporting.files import ReportingError

FILE = Path(__file__).resolve().parents[2] / "paper" / "layout.yaml"
KEYS = {
    "models",
    "datasets",
    "front_ends",
    "protocols",
    "tolerance",
    "variants",
    "significance",
    "siunitx",
    "confusion",
    "tables",
}
TABLE_KEYS = {"columns", "digits", "where", "models"}


class LayoutError(ReportingError):
    """A layout that cannot be followed; the message names file, key, value and expectation."""


def load(path: str | Path | None = None) -> dict[str, Any]:
    """The layout of `path`; what it leaves out comes from paper/layout.yaml."""
    default = _read(FILE)
    if path is None or Path(path).resolve() == FILE:
        return default
    own = _read(Path(path))
    merged = {**default, **own}
    merged["tables"] = {
        name: {**default["tables"].get(name, {}), **own.get("tables", {}).get(name, {})}
        for name in {**default["tables"], **own.get("tables", {})}
    }
    merged["models"] = {**default["models"], **own.get("models", {})}
    return merged


def _read(path: Path) -> dict[str, Any]:
    try:
        layout = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise LayoutError(f"{path}: no such layout") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LayoutError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(layout, dict):
        raise LayoutError(f"{path}: expected keys ({', '.join(sorted(KEYS))}), found {layout!r}")
    _known(path, "", layout, KEYS)
    for name, table in (layout.get("tables") or {}).items():
        _known(path, f"tables.{name}.", table, TABLE_KEYS)
    return layout


def _known(path: Path, prefix: str, given: dict, known: set[str]) -> None:
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
            raise LayoutError(f"{path}: {prefix}{key}: unknown key; {hint}")


def choose(layout: dict[str, Any], table: str, known: dict[str, Any]) -> list[str]:
    """The columns of a table in their order; LayoutError for one that the table does not have."""
    wanted = layout["tables"].get(table, {}).get("columns") or list(known)
    for name in wanted:
        if name not in known:
            raise LayoutError(f"tables.{table}.columns: {name!r} is no column; known: {', '.join(known)}")
    return wanted


def digits(layout: dict[str, Any], table: str, column: str, default: int) -> int:
    """Decimals of a column."""
    return (layout["tables"].get(table, {}).get("digits") or {}).get(column, default)


def keep(layout: dict[str, Any], table: str, rows):
    """The rows of a data frame that `where` and `models` of the layout's table let through."""
    entry = layout["tables"].get(table, {})
    for column, values in (entry.get("where") or {}).items():
        if column not in rows:
            raise LayoutError(f"tables.{table}.where: {column!r} is no column; known: {', '.join(rows)}")
        rows = rows[rows[column].isin(values if isinstance(values, list) else [values])]
    if entry.get("models") and "model" in rows:
        rank = {name: index for index, name in enumerate(entry["models"])}
        rows = rows[rows["model"].isin(rank)]
        rows = rows.sort_values("model", key=lambda names: names.map(rank), kind="stable")
    return rows


def model_label(layout: dict[str, Any], model: str) -> str:
    """How a model is called in print. A variant, as tt_lstm_authors, is its model's label and the rest."""
    base = base_model(layout, model)
    if base is None:
        return model.replace("_", " ")
    rest = model.removeprefix(base).strip("_")
    rest = layout.get("variants", {}).get(rest, rest.replace("_", " "))
    return layout["models"][base]["label"] + (f" ({rest})" if rest else "")


def base_model(layout: dict[str, Any], model: str) -> str | None:
    """The known model that `model` is or is a variant of (the longest name that it begins with), or None."""
    known = [name for name in layout["models"] if model == name or model.startswith(f"{name}_")]
    return max(known, key=len, default=None)


def kind(layout: dict[str, Any], model: str) -> str:
    """baseline, dense, compressed or fdht; compressed for a model that the layout does not know."""
    base = base_model(layout, model)
    return layout["models"][base]["kind"] if base else "compressed"


def dataset_label(layout: dict[str, Any], dataset: str) -> str:
    """How a data set is called in print."""
    return layout["datasets"].get(dataset, dataset)


def setting_label(layout: dict[str, Any], dataset: str, front_end: str) -> str:
    """How a data set with its front end is called in print."""
    known = FRONT_ENDS.get(front_end)
    label = layout["front_ends"].get(front_end, known.title if known else front_end)
    return f"{dataset_label(layout, dataset)}, {label}"
