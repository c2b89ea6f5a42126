"""The dictionary of columns: columns.yaml as columns.md, and as metadata of CSV on the Web (W3C, tabular metadata).

`python -m workflow.reporting.columns` writes the files that are part of the project.
"""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import yaml
from tabulate import tabulate

from workflow.reporting.records import KEYS, TYPES
from workflow.storage.files import write_text

METADATA = "csv-metadata.json"  # where readers of CSV on the Web look for that of the files in a folder
DICTIONARY = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
FILES: dict[str, Any] = DICTIONARY["files"]
TYPED: dict[str, Any] = {"text": "string", "integer": "integer", "number": "number"}
TYPED |= {"boolean": {"base": "boolean", "format": "True|False"}}
DATATYPES = TYPED | {"count": "integer"}  # of other units: number
INTRODUCTION = """\
# Columns of the CSV files

Generated from `workflow/reporting/columns.yaml` and `workflow/experiments/record.py`.

One name is one quantity in all files. Fractions are of 1: 0.25 is 25 %; tables in print show per cent. An empty cell is
a missing value, null in `result.json`. `csv-metadata.json` and `<name>.csv-metadata.json` next to the files describe
the same columns for readers of [CSV on the Web](https://www.w3.org/TR/tabular-metadata/).
"""


class Entry(NamedTuple):
    """The description of a column. unit: text, integer, boolean, number, or the unit of a number."""

    unit: str
    meaning: str


@cache
def entry(file: str, column: str) -> Entry | None:
    """Return the description of a column of `file`, a key of columns.yaml; None if it has none."""
    column = re.sub(r"_\d+$", "_*", column)  # a column for each class
    own = FILES[file]["columns"].get(column) if file in FILES else None
    found = own or DICTIONARY["shared"].get(column, [])
    if len(found) == 2:
        return Entry(*found)
    if column in KEYS:
        return _of_record(column)._replace(**dict(zip(["unit"], found, strict=False)))
    for ending, meaning in DICTIONARY["endings"].items():
        if column.endswith(ending) and (base := entry(file, column.removesuffix(ending))):
            return Entry("mean count" if base.unit == "count" else base.unit, meaning.format(base.meaning))
    return None


def _of_record(key: str) -> Entry:
    about, kind = KEYS[key], TYPES[key]
    fraction = about.get("anyOf", [about])[0].get("maximum") == 1
    values = f": {', '.join(about['enum'])}" if "enum" in about else ""
    return Entry("fraction" if fraction else "text" if kind == "string" else kind, about["description"] + values)


def schema(file: str, names: Iterable[str], own: Mapping[str, tuple[str, str]] | None = None) -> dict[str, Any]:
    """Return the tableSchema of a CSV file with the columns `names`.

    own: unit and meaning of columns that are not in columns.yaml. A column without a description has its name alone.
    """
    described = {name: Entry(*found) for name, found in (own or {}).items()}
    return {"columns": [_column(name, described.get(name) or entry(file, name)) for name in names]}


def _column(name: str, found: Entry | None) -> dict[str, Any]:
    if found is None:
        return {"name": name, "titles": name}
    unit = {} if found.unit in TYPED else {"schema:unitText": found.unit}
    datatype = DATATYPES.get(found.unit, "number")
    return {"name": name, "titles": name, "dc:description": found.meaning, "datatype": datatype, **unit}


def metadata(file: str, names: Iterable[str], own: Mapping[str, tuple[str, str]] | None = None, **about: Any) -> str:
    """Return the metadata of a single CSV file, to be named <file>-metadata.json. about: further properties of it."""
    return _json({"url": PurePath(file).name, **about, "tableSchema": schema(file, names, own)})


def describe(root: Path) -> None:
    """Write the metadata of results.csv and of the CSV files of each data set, in data/ and in runs/, below `root`.

    The predictions of all runs of a data set share one file.
    """
    homes: dict[Path, list[Path]] = {}
    found = [*root.glob("results.csv"), *root.glob("data/*/*.csv"), *root.glob("runs/*/**/predictions.csv")]
    for path in sorted(found):
        homes.setdefault(root.joinpath(*path.relative_to(root).parent.parts[:2]), []).append(path)
    for home, paths in homes.items():
        write_text(home / METADATA, group(home, paths))


def group(home: Path, paths: Iterable[Path]) -> str:
    """Return the metadata of CSV files below `home`; if all have the same columns, these are listed once."""
    schemas = {path.relative_to(home).as_posix(): schema(path.name, header(path)) for path in paths}
    first, *others = schemas.values()
    if all(other == first for other in others):
        return _json({"tableSchema": first, "tables": [{"url": url} for url in schemas]})
    return _json({"tables": [{"url": url, "tableSchema": own} for url, own in schemas.items()]})


def header(path: Path) -> list[str]:
    """Return the names of the columns of a CSV file."""
    with path.open(encoding="utf-8", errors="replace") as file:  # a damaged file must not stop the step
        return file.readline().rstrip("\n").split(",")


def _json(content: dict[str, Any]) -> str:
    return json.dumps({"@context": "http://www.w3.org/ns/csvw", **content}, indent=1, ensure_ascii=False) + "\n"


def page() -> str:
    """Return columns.md."""
    parts = [INTRODUCTION]
    for file, about in FILES.items():
        entries = {name.replace("*", "<class>"): entry(file, name) or Entry("", "") for name in about["columns"]}
        rows = [(f"`{name}`", *found) for name, found in entries.items()]
        parts.append(f"## {file}\n\n{about['about']}\n")
        parts.append(tabulate(rows, ("Column", "Unit or type", "Meaning"), "github") + "\n")
    return "\n".join(parts)


def files() -> dict[str, str]:
    """Return the generated files of the project: path -> text."""
    benchmarks = Path(__file__).resolve().parents[2] / "results" / "benchmarks"
    gpu = benchmarks / "gpu"
    calibration = benchmarks / "calibration.csv"
    return {
        "docs/columns.md": page(),
        "results/benchmarks/calibration.csv-metadata.json": metadata(calibration.name, header(calibration)),
        f"results/benchmarks/gpu/{METADATA}": group(gpu, sorted(gpu.glob("*.csv"))),
    }


if __name__ == "__main__":
    for name, text in files().items():
        write_text(Path(name), text)
        print(name)
